#include "postfix/mail_log.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/journal.hpp"

namespace postmultid::postfix {

using Lines = std::vector<std::string>;

namespace {

// Enough for many lines, little enough to be read in a moment.
constexpr std::streamoff kTail = 1024 * 1024;

/// The last lines of a file that `wanted` accepts.
template <typename Wanted>
model::Result<Lines> tail(const std::string& path, std::size_t count, Wanted wanted) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    return model::failure(path + " is not a regular file");  // a named pipe would be waited for
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(model::system_error("open " + path));
  file.seekg(0, std::ios::end);
  std::streamoff begin = std::max<std::streamoff>(0, static_cast<std::streamoff>(file.tellg()) - kTail);
  file.seekg(begin);
  Lines lines;
  std::string line;
  if (begin > 0) std::getline(file, line);  // cut
  while (std::getline(file, line)) {
    if (!wanted(line)) continue;
    lines.push_back(std::move(line));
    if (lines.size() > 2 * count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

/// A line's tag ("postfix-in/master[42]") and message. What a stranger got into the message comes after the first "]: ".
struct Words {
  std::string_view tag, message;
};

Words words_of(std::string_view line) {
  std::size_t end = line.find("]: ");
  if (end == std::string_view::npos) return {};
  std::string_view head = line.substr(0, end + 1);
  std::size_t begin = head.rfind(' ');
  return {begin == std::string_view::npos ? head : head.substr(begin + 1), line.substr(end + 3)};
}

}  // namespace

const Lines& host_logs() {
  static const Lines paths{"/var/log/mail.log", "/var/log/maillog", "/var/log/syslog", "/var/log/messages"};
  return paths;
}

std::optional<Spoken> spoken_in(std::string_view line, std::string_view syslog_name) {
  auto [tag, message] = words_of(line);
  std::size_t bracket = tag.rfind('[');
  if (bracket == std::string_view::npos || !is_tag_of(tag.substr(0, bracket), syslog_name)) return std::nullopt;
  Spoken spoken{0, tag.substr(0, bracket), message};
  std::from_chars(tag.data() + bracket + 1, tag.data() + tag.size(), spoken.pid);
  return spoken;
}

bool is_tag_of(std::string_view tag, std::string_view syslog_name) {
  return tag == syslog_name || (tag.starts_with(syslog_name) && tag.substr(syslog_name.size()).starts_with('/'));
}

model::Result<Lines> last_lines(const Instance& instance, std::size_t count) {
  if (!instance.maillog_file.empty())
    return tail(instance.maillog_file, count, [](const std::string&) { return true; });
  const std::string& name = instance.syslog_name;
  if (auto lines = host::journal_tail([&](std::string_view tag) { return is_tag_of(tag, name); }, count)) return *lines;
  model::Error none{"nothing of " + name + " in the journal, and there is no /var/log/mail.log", 0};
  for (const std::string& path : host_logs())
    if (auto lines = tail(path, count, [&](const std::string& line) { return spoken_in(line, name).has_value(); }))
      return lines;
  return std::unexpected(none);
}

bool tells_of_a_stop(const Lines& lines, const std::string& syslog_name, std::optional<pid_t> master) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    auto [tag, message] = words_of(*line);
    if (master && tag == syslog_name + "/master[" + std::to_string(*master) + "]" &&
        message.starts_with("terminating on signal 15"))
      return true;
    if (tag.starts_with(syslog_name + "/postfix-script[") && (message.starts_with("stopping the Postfix mail system") ||
                                                              message.starts_with("aborting the Postfix mail system")))
      return true;
    if (tag.starts_with(syslog_name + "/master[") && message.starts_with("daemon started -- version")) return false;
  }
  return false;
}

}  // namespace postmultid::postfix
