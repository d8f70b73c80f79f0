// The names that a definition may give and use: those of instances are Postfix's and follow Postfix's rules.
#include <algorithm>
#include <filesystem>

#include "definitions/complaint.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

const std::string kInstancePrefix = "postfix-";
constexpr std::size_t kLongestName = 255, kLongestCompanion = 64;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool alphanumeric(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

/// The first character that is neither a letter, a digit, nor one of `further`, as a complaint; empty if there is none.
std::string wrong_character(const std::string& text, const std::string& further) {
  auto fits = [&](char c) { return alphanumeric(c) || further.find(c) != std::string::npos; };
  if (std::all_of(text.begin(), text.end(), fits)) return "";
  return in_quotes(text) + " has a character that is none of letters, digits and " + further;
}

Read<std::string> configuration_directory(const std::string& text) {
  // Two spellings of one directory would be two members.
  std::string shortest = std::filesystem::path(text).lexically_normal();
  if (shortest.size() > 1 && shortest.ends_with('/')) shortest.pop_back();
  if (text != shortest) return std::unexpected("write " + in_quotes(shortest));
  return text;
}

}  // namespace

bool is_instance_name(const std::string& text) { return text.starts_with(kInstancePrefix) || text.starts_with('/'); }

Read<std::string> instance_name(const std::string& text) {
  if (text == "-") return std::unexpected("use \"primary:\" at the top level for the primary instance");
  if (text.size() > kLongestName) return std::unexpected("longer than " + std::to_string(kLongestName) + " characters");
  if (text.starts_with('/')) return configuration_directory(text);
  if (!text.starts_with(kInstancePrefix) || text.size() == kInstancePrefix.size())
    return std::unexpected(in_quotes(text) +
                           " is no instance: its name begins with \"postfix-\", its directory with \"/\"");
  if (std::string wrong = wrong_character(text, "!@%-_=+:."); !wrong.empty()) return std::unexpected(wrong);
  return text;
}

Read<std::string> group_name(const std::string& text) {
  if (text.empty()) return std::unexpected("must not be empty");
  if (text == "-") return std::unexpected("\"-\" is what Postfix shows for no group");
  if (text.size() > kLongestName) return std::unexpected("longer than " + std::to_string(kLongestName) + " characters");
  if (std::string wrong = wrong_character(text, "!@%-_=+:./"); !wrong.empty()) return std::unexpected(wrong);
  return text;
}

Read<std::string> companion_name(const std::string& text) {
  if (text == "-" || is_instance_name(text))
    return std::unexpected(in_quotes(text) + " would be an instance; a companion's name begins with something else");
  auto fits = [](char c) { return lower_or_digit(c) || c == '_' || c == '.' || c == '@' || c == '-'; };
  if (text.empty() || !lower_or_digit(text.front()) || !std::all_of(text.begin(), text.end(), fits))
    return std::unexpected(in_quotes(text) +
                           " must begin with a small letter or a digit and go on with those and _.@-");
  if (text.size() > kLongestCompanion)
    return std::unexpected("longer than " + std::to_string(kLongestCompanion) + " characters");
  return text;
}

Read<std::string> member_name(const std::string& text) {
  if (text == "-") return std::unexpected("the primary always starts first, so it is in no group");
  return is_instance_name(text) ? instance_name(text) : filled_text(text);
}

}  // namespace postmultid::definitions
