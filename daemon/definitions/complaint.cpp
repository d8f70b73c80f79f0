#include "definitions/complaint.hpp"

#include <algorithm>

#include "definitions/text.hpp"
#include "model/names.hpp"

namespace postmultid::definitions {

namespace {

constexpr std::size_t kLongestQuote = 60;
constexpr std::size_t kCrowd = 100;

}  // namespace

std::string describe(const Complaints& complaints) {
  std::string lines;
  for (const auto& [place, message] : complaints)
    lines += (lines.empty() ? "" : "\n") + (place.line == 0 ? place.file : place.text()) + ": " + message;
  return lines;
}

std::string one_line(const std::string& text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_length(text, at);
    if (shown.size() + length > kLongestQuote) return shown + "...";
    bool control = length == 1 && (static_cast<unsigned char>(text[at]) < 0x20 || text[at] == 0x7f);
    shown += length == 0 ? "?" : control ? " " : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return shown;
}

std::string first_word(const std::string& line) { return line.substr(0, line.find_first_of(" \t")); }

std::string in_quotes(const std::string& text) { return "\"" + one_line(text) + "\""; }

std::string did_you_mean(const std::vector<std::string>& candidates, const std::string& typed,
                         const Complaints& complaints) {
  if (complaints.size() >= kCrowd || typed.size() > 2 * kLongestQuote) return "";
  auto near = model::nearest(candidates, typed);
  return near ? "; did you mean " + in_quotes(*near) + "?" : "";
}

}  // namespace postmultid::definitions
