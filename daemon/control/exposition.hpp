// Prometheus' text format (version 0.0.4): one family after the other, each with its help, its type and its samples.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace postmultid::control {

class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  static constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";

  /// Begins a family: the samples up to the next one are its. One without samples is left out. The texts are constants.
  void family(std::string_view name, std::string_view type, std::string_view help);

  void sample(std::initializer_list<Label> labels, double value) { sample("", labels, value); }
  /// Of a histogram: "_bucket", "_sum", "_count".
  void sample(std::string_view suffix, std::initializer_list<Label> labels, double value);

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_, type_, help_;
  bool begun_ = false;
};

/// As a label's value between its quotes: what is not UTF-8 is replaced, or the whole scrape would be refused.
std::string escape_label(std::string_view value);

/// A number in the shortest way that reads back as the same.
std::string to_number(double value);

}  // namespace postmultid::control
