#include "definitions/complaint.hpp"

#include "model/names.hpp"

namespace postmultid::definitions {

namespace {

constexpr std::size_t kLongestQuote = 60;
constexpr std::size_t kCrowd = 100;

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string describe(const Complaints& complaints) {
  std::string lines;
  for (const auto& [place, message] : complaints)
    lines += (place.line == 0 ? place.file : place.text()) + ": " + message + "\n";
  return lines;
}

std::string in_quotes(const std::string& text) {
  std::string shown = text;
  if (shown.size() > kLongestQuote) {
    std::size_t end = kLongestQuote;
    while (end > 0 && continues_a_character(shown[end])) --end;
    shown.resize(end);
    shown += "...";
  }
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return "\"" + shown + "\"";
}

std::string did_you_mean(const std::vector<std::string>& candidates, const std::string& typed,
                         const Complaints& complaints) {
  if (complaints.size() >= kCrowd || typed.size() > 2 * kLongestQuote) return "";
  auto near = model::nearest(candidates, typed);
  return near ? "; did you mean " + in_quotes(*near) + "?" : "";
}

}  // namespace postmultid::definitions
