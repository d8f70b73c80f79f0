#include "definitions/spelling.hpp"

#include <string_view>

namespace postmultid::definitions {

namespace {

/// What a text cannot begin with unless it is in quotation marks.
constexpr std::string_view kOwn = "[]{}*&!%@`,?|>";

/// Behind the first ": " or the dash of an entry; empty if there is neither.
std::string_view value_in(std::string_view line) {
  std::size_t colon = line.find(": "), first = line.find_first_not_of(' ');
  std::size_t at = colon != std::string_view::npos                                    ? colon + 1
                   : first != std::string_view::npos && line.substr(first, 2) == "- " ? first + 1
                                                                                      : line.size();
  std::size_t value = line.find_first_not_of(' ', at);
  return value == std::string_view::npos ? std::string_view() : line.substr(value);
}

}  // namespace

std::string remedy(const std::string& line, const std::string& said) {
  std::size_t first = line.find_first_not_of(' ');
  if (first != std::string::npos && line[first] == '\t') return "indent by blanks, not by tabs";
  std::string_view value = value_in(line);
  if (!value.empty() && kOwn.contains(value.front()))
    return std::string("quote a text that begins with \"") + value.front() + "\"";
  if (value.starts_with("- ")) return "quote a text that begins with \"- \"";
  if (said != "illegal map value") return "";
  if (value.find(": ") != std::string_view::npos) return "quote a text that has \": \" in it";
  return "a line before this has no \": \" between key and value, or this one is indented too far";
}

}  // namespace postmultid::definitions
