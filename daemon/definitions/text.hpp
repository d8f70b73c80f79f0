// Is this text at all? Asked before the YAML parser sees a byte: it takes the byte 4 for the end of the file, guesses
// at encodings, and would let the rest of a file disappear without a word.
#pragma once

#include <optional>
#include <string>

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

constexpr std::size_t kLargestFile = 8 << 20;

/// The first reason why this is no text of a definition, if there is one: too large, a byte order mark, not UTF-8, or
/// a control character other than tab and line break (LF or CR LF).
std::optional<Complaint> not_text(const std::string& file, const std::string& text);

/// How many bytes the UTF-8 character at `at` has; 0 if there is no such character.
std::size_t utf8_length(const std::string& text, std::size_t at);

/// The place of a byte.
Place place_of(const std::string& file, const std::string& text, std::size_t at);

}  // namespace postmultid::definitions
