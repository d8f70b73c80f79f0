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

}  // namespace

Read<std::string> directory_path(const std::string& text) {
  if (!text.starts_with('/')) return absolute_path(text);
  // Two spellings of one directory would be two members.
  std::string shortest = std::filesystem::path(text).lexically_normal();
  if (shortest.size() > 1 && shortest.ends_with('/')) shortest.pop_back();
  if (text != shortest) return std::unexpected("write " + in_quotes(shortest));
  return text;
}

bool is_instance_name(const std::string& text) { return text.starts_with(kInstancePrefix) || text.starts_with('/'); }

Read<std::string> instance_name(const std::string& text) {
  if (text == "-") return std::unexpected("use \"primary:\" at the top level for the primary instance");
  if (text.size() > kLongestName) return std::unexpected("longer than " + std::to_string(kLongestName) + " characters");
  if (text.starts_with('/')) return directory_path(text);
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

// systemd's own rules (unit_name_is_valid): they are part of its interface, see systemd.unit(5).
Read<std::string> unit_name(const std::string& text) {
  static const std::vector<std::string> kGood{"service", "socket", "target"};
  static const std::vector<std::string> kOther{"mount", "automount", "swap",  "device",
                                               "timer", "path",      "slice", "scope"};
  auto among = [](const std::vector<std::string>& types, const std::string& type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (text.empty()) return std::unexpected("must not be empty");
  if (text.find('/') != std::string::npos)
    return std::unexpected(in_quotes(text) + " must be a unit's name, not a path");
  if (text.size() > kLongestName) return std::unexpected("longer than " + std::to_string(kLongestName) + " characters");
  if (std::string wrong = wrong_character(text, ":-_.\\@"); !wrong.empty()) return std::unexpected(wrong);
  std::size_t dot = text.rfind('.'), at = text.find('@');
  std::string type = dot == std::string::npos ? "" : text.substr(dot + 1);
  if (among(kOther, type))
    return std::unexpected("a ." + type + " is nothing that runs; there are .service, .socket and .target");
  if (!among(kGood, type)) return std::unexpected(in_quotes(text) + ": write " + in_quotes(text + ".service"));
  if (dot == 0 || at == 0) return std::unexpected(in_quotes(text) + " has no name before its " + text.front());
  if (at != std::string::npos && at + 1 == dot)
    return std::unexpected(in_quotes(text) + " is a template; write " +
                           in_quotes(text.substr(0, dot) + "INSTANCE." + type));
  if (text == "postmultid.service" || text == "postfix.service" || text.starts_with("postfix@"))
    return std::unexpected(in_quotes(text) + " is no companion: postmultid itself runs Postfix's instances");
  return text;
}

Read<std::string> member_name(const std::string& text) {
  if (text == "-") return std::unexpected("the primary always starts first, so it is in no group");
  return is_instance_name(text) ? instance_name(text) : filled_text(text);
}

}  // namespace postmultid::definitions
