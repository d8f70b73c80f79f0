// What the harnesses share. Each is one file: the properties of one parser that reads what others write,
// checked on whatever libFuzzer makes up; the sanitizers look for the rest. See run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace postmultid::fuzz {

/// A property that does not hold is a finding: said, and turned into a crash that libFuzzer keeps the input
/// of.
inline void always(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  __builtin_trap();
}

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first line, without its line break, off the front of `text`.
inline std::string take_line(std::string& text) {
  std::size_t end = text.find('\n');
  std::string line = text.substr(0, end);
  text.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

}  // namespace postmultid::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
