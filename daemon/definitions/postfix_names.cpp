// The names that Postfix's own files use, and the short fields of master.cf (master(5)).
#include <algorithm>
#include <array>

#include "definitions/complaint.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

constexpr std::size_t kLongestFileName = 200;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), digit); }

/// What is said of a parameter elsewhere in a definition, or is written by postmultid itself.
struct Reserved {
  const char *parameter, *instead;
};
constexpr std::array kReserved{
    Reserved{"config_directory", "an instance has directories: { config: PATH }; the primary's stays where it is"},
    Reserved{"queue_directory", "an instance has directories: { queue: PATH }; the primary's stays where it is"},
    Reserved{"data_directory", "an instance has directories: { data: PATH }; the primary's stays where it is"},
    Reserved{"multi_instance_name", "it is the instance's name:"},
    Reserved{"multi_instance_group", "it is the group in groups: that has the instance among its members"},
    Reserved{"multi_instance_enable", "an instance has enabled: yes or no"},
    Reserved{"multi_instance_directories", "postmultid writes it, in the order of groups:"},
    Reserved{"multi_instance_wrapper", "\"pmctl wrapper\" sets it"},
};

}  // namespace

Read<std::string> parameter_name(const std::string& text) {
  if (text.empty()) return std::unexpected("a parameter has no name");
  auto fits = [](char c) { return letter(c) || digit(c) || std::string_view("_-.:+@").contains(c); };
  // postconf would take one with a dash in front for options of its own.
  if (text.starts_with('-') || !std::all_of(text.begin(), text.end(), fits))
    return std::unexpected(in_quotes(text) +
                           " is no parameter's name: it has letters, digits and _-.:+@ only, and begins with no dash");
  for (const auto& [parameter, instead] : kReserved)
    if (text == parameter) return std::unexpected(text + " is not set or removed here: " + instead);
  return text;
}

Read<std::string> service_name(const std::string& text) {
  static const std::vector<std::string> kTypes{"inet", "unix", "unix-dgram", "fifo", "pass"};
  // An endpoint may be a path.
  std::size_t slash = text.rfind('/');
  if (slash == std::string::npos || slash == 0)
    return std::unexpected(in_quotes(text) + " is no service; write its name and type as in smtp/inet");
  std::string type = text.substr(slash + 1);
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end())
    return std::unexpected(in_quotes(type) + " is no type of a service; there are inet, unix, unix-dgram, fifo, pass");
  auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; };
  if (text.front() == '#' || text.front() == '-' || std::any_of(text.begin(), text.end(), odd))
    return std::unexpected(in_quotes(text) + " cannot be a service's name");
  return text;
}

Read<std::string> map_name(const std::string& text) {
  static const std::vector<std::string> kOthers{
      "main.cf",      "main.cf.proto", "master.cf",      "master.cf.proto",  "postfix-files",  "postfix-script",
      "post-install", "makedefs.out",  "dynamicmaps.cf", "dynamicmaps.cf.d", "postfix-files.d"};
  static const std::vector<std::string> kTables{".db", ".cdb", ".lmdb", ".dir", ".pag", ".tmp"};
  if (text.empty()) return std::unexpected("a map has no name");
  if (text.find('/') != std::string::npos)
    return std::unexpected(in_quotes(text) + " must be the name of a file in the configuration directory, not a path");
  auto fits = [](char c) { return letter(c) || digit(c) || std::string_view("_-.+@").contains(c); };
  if (text.size() > kLongestFileName || text.starts_with('.') || text.starts_with('-') ||
      !std::all_of(text.begin(), text.end(), fits))
    return std::unexpected(in_quotes(text) + " is no map's name: it has at most 200 letters, digits and _-.+@, and " +
                           "begins with no dot or dash");
  if (std::find(kOthers.begin(), kOthers.end(), text) != kOthers.end())
    return std::unexpected(in_quotes(text) + " is no map but another file of Postfix's");
  for (const std::string& end : kTables)
    if (text.ends_with(end)) return std::unexpected(in_quotes(text) + " is what postmap makes; name its source");
  return text;
}

Read<std::string> map_type(const std::string& text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return std::unexpected(in_quotes(text) + " is no type of a map; write hash, lmdb, cdb, pcre, and so on");
  return text;
}

Read<std::string> private_directory(const std::string& text) {
  auto path = directory_path(text);
  // postmulti and Postfix's set-gid commands take lists of these apart, and expand nothing in them.
  if (path && path->find_first_of(" \t\r\n\v\f,$") != std::string::npos)
    return std::unexpected(in_quotes(text) + " must be without blanks, commas and \"$\"");
  if (path && *path == "/") return std::unexpected("must not be the root directory");
  return path;
}

Read<std::string> master_flag(const std::string& text) {
  if (text == "-") return text;
  if (text == "y" || text == "n") return text;
  if (auto truth = yes_or_no(text)) return *truth ? "y" : "n";
  return std::unexpected("must be y, n or \"-\"");
}

Read<std::string> master_wakeup(const std::string& text) {
  std::string_view seconds = text;
  if (seconds.ends_with('?')) seconds.remove_suffix(1);
  if (text == "-" || all_digits(seconds)) return text;
  return std::unexpected("must be a number of seconds, perhaps with \"?\" behind it, or \"-\"");
}

Read<std::string> master_limit(const std::string& text) {
  if (text == "-" || all_digits(text)) return text;
  return std::unexpected("must be a whole number or \"-\"");
}

}  // namespace postmultid::definitions
