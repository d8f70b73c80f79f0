#include "postfix/secrets.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace postmultid::postfix {

namespace {

const std::string kMask = "********";
constexpr std::string_view kBlanks = " \t\r\n";

/// static:USER:PASSWORD, SCHEME://USER:PASSWORD@HOST.
bool has_credentials(std::string_view value) {
  for (std::string_view begin : {"static:", "://"})
    for (std::size_t at = value.find(begin), end; at != std::string_view::npos; at = value.find(begin, end)) {
      end = std::min(value.find_first_of(kBlanks, at), value.size());
      std::string_view word = value.substr(at + begin.size(), end - at - begin.size());
      if (begin == "://") word = word.substr(0, word.contains('@') ? word.rfind('@') : 0);
      if (word.contains(':')) return true;
    }
  return false;
}

/// smtp_sasl_password_maps may be a table's name, or the password itself: in braces, as inline:{…}, regexp:{…}, randmap:{…}.
bool is_secret(std::string_view parameter, std::string_view value) {
  for (std::string_view end :
       {"password", "passwords", "passwd", "pw", "pass", "bindpw", "secret", "secrets", "token", "api_key", "apikey"})
    if (parameter == end || (parameter.size() > end.size() && parameter.ends_with(end) &&
                             parameter[parameter.size() - end.size() - 1] == '_'))
      return true;
  if (has_credentials(value)) return true;
  return parameter.ends_with("password_maps") && (value.contains("static:") || value.contains('{'));
}

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string with_single_blanks(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; (at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    if (!result.empty()) result += ' ';
    result += text.substr(at, end - at);
    at = end;
  }
  return result;
}

/// Where the value at `begin` ends: in braces at the one that belongs to them, else at a blank.
std::size_t end_of_value(std::string_view line, std::size_t begin, bool in_braces) {
  if (!in_braces) return std::min(line.find(' ', begin), line.size());
  int depth = 1;
  for (std::size_t at = begin; at < line.size(); ++at) {
    depth += line[at] == '{' ? 1 : line[at] == '}' ? -1 : 0;
    if (depth == 0) return at;
  }
  return line.size();
}

/// Of argv=/usr/bin/deliver --password SECRET.
std::string without_password_arguments(const std::string& line) {
  std::string result;
  bool hide = false;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = std::min(line.find(' ', at), line.size());
    std::string_view word = std::string_view(line).substr(at, end - at);
    std::string_view name = word.substr(0, word.find('='));
    bool secret = name.starts_with("--") && std::ranges::any_of(std::array{"pass", "secret", "token"},
                                                                [&](auto part) { return name.contains(part); });
    if (!result.empty()) result += ' ';
    if (std::exchange(hide, secret && name == word))
      result += kMask;
    else if (secret && name != word)
      result.append(name).append("=").append(kMask);
    else
      result += word;
    at = end + 1;
  }
  return result;
}

}  // namespace

std::string shown_complaint(const std::string& words) {
  std::string shown;
  for (std::size_t begin = 0; begin <= words.size();) {
    std::size_t end = std::min(words.find('\n', begin), words.size());
    shown += (begin == 0 ? "" : "\n") + shown_service(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return shown;
}

std::string shown_value(const std::string& parameter, const std::string& value) {
  return !value.empty() && is_secret(parameter, value) ? kMask : value;
}

std::string shown_service(const std::string& columns) {
  std::string line = without_password_arguments(with_single_blanks(columns)), result;
  std::size_t told = 0;
  for (std::size_t equals = line.find('='); equals != std::string::npos; equals = line.find('=', equals + 1)) {
    if (equals < told) continue;
    std::size_t end_of_name = equals > 0 && line[equals - 1] == ' ' ? equals - 1 : equals, begin = end_of_name;
    while (begin > told && is_of_a_name(line[begin - 1])) --begin;
    std::size_t before = begin > 0 && line[begin - 1] == ' ' ? begin - 1 : begin;
    bool in_braces = before > 0 && line[before - 1] == '{';
    std::size_t value = line.find_first_not_of(' ', equals + 1);
    if (value == std::string::npos) break;
    std::size_t end = end_of_value(line, value, in_braces);
    while (in_braces && end > value && line[end - 1] == ' ') --end;
    std::string_view all = line;
    if (end == value || !is_secret(all.substr(begin, end_of_name - begin), all.substr(value, end - value))) continue;
    result += all.substr(told, value - told);
    result += kMask;
    told = end;
  }
  return result + line.substr(told);
}

}  // namespace postmultid::postfix
