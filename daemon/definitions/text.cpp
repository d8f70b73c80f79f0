#include "definitions/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace postmultid::definitions {

namespace {

/// What is wrong with the one-byte character at `at`; empty if nothing is.
std::string wrong_control(const std::string& text, std::size_t at) {
  unsigned char c = text[at];
  if (c == '\0') return "a NUL byte; this is no text file";
  if (c == '\r') return at + 1 < text.size() && text[at + 1] == '\n' ? "" : "a carriage return without a line feed";
  if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) return fmt::format("the control character 0x{:02x}", c);
  return "";
}

}  // namespace

std::size_t utf8_length(const std::string& text, std::size_t at) {
  auto byte = [&](std::size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  unsigned first = byte(at);
  if (first < 0x80) return at < text.size() ? 1 : 0;
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  // These bounds on the second byte leave out what is written too long, the surrogates, and what is above U+10FFFF.
  unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first < 0xc2 || first > 0xf4 || byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  return length;
}

Place place_of(const std::string& file, const std::string& text, std::size_t at) {
  auto end = text.begin() + static_cast<std::ptrdiff_t>(at);
  auto line = std::count(text.begin(), end, '\n') + 1;
  std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  std::size_t column = before == std::string::npos ? at + 1 : at - before;
  return {file, static_cast<int>(line), static_cast<int>(column)};
}

std::optional<Complaint> not_text(const std::string& file, const std::string& text) {
  if (text.size() > kLargestFile) return Complaint{{file}, "larger than 8 MiB"};
  if (text.starts_with("\xef\xbb\xbf"))
    return Complaint{{file, 1, 1}, "begins with a byte order mark; save it as UTF-8 without one"};
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_length(text, at);
    std::string wrong = length == 0 ? "not UTF-8" : length == 1 ? wrong_control(text, at) : "";
    if (!wrong.empty()) return Complaint{place_of(file, text, at), wrong};
    at += length;
  }
  return std::nullopt;
}

}  // namespace postmultid::definitions
