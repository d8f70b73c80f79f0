#include "host/journal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syslog.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace postmultid::host {

namespace {

using Journal = std::unique_ptr<sd_journal, decltype(&::sd_journal_close)>;

/// The value of "FIELD=value" of the entry that the journal stands at; empty if it has no such field.
std::string field(sd_journal* journal, const std::string& name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (::sd_journal_get_data(journal, name.c_str(), &data, &size) < 0) return "";
  return std::string(static_cast<const char*>(data), size).substr(name.size() + 1);
}

std::uint64_t microseconds_of(sd_journal* journal) {
  std::uint64_t microseconds = 0;
  ::sd_journal_get_realtime_usec(journal, &microseconds);
  return microseconds;
}

std::string line(sd_journal* journal) {
  std::uint64_t microseconds = microseconds_of(journal);
  std::string pid = field(journal, "SYSLOG_PID");
  if (pid.empty()) pid = field(journal, "_PID");
  return fmt::format("{:%b %e %H:%M:%S} {} {}[{}]: {}",
                     fmt::localtime(static_cast<std::time_t>(microseconds / 1'000'000)), field(journal, "_HOSTNAME"),
                     field(journal, "SYSLOG_IDENTIFIER"), pid, field(journal, "MESSAGE"));
}

/// The youngest lines that match, oldest first.
std::optional<std::vector<std::string>> tail(sd_journal* opened, std::size_t count,
                                             std::chrono::system_clock::time_point since) {
  std::vector<std::string> lines;
  if (::sd_journal_seek_tail(opened) < 0) return std::nullopt;
  auto begin = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since.time_since_epoch()).count());
  while (lines.size() < count && ::sd_journal_previous(opened) > 0 && microseconds_of(opened) >= begin)
    lines.push_back(line(opened));
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace

bool writes_to_journal() {
  // journald names the stream that it made.
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream && ::fstat(STDERR_FILENO, &status) == 0 && fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

Fd journal_stream(const std::string& identifier) {
  return writes_to_journal() ? Fd(::sd_journal_stream_fd(identifier.c_str(), LOG_INFO, 1)) : Fd();
}

void log_with_fields(Level level, const std::string& message,
                     const std::vector<std::pair<std::string, std::string>>& fields) {
  if (!writes_to_journal()) return log(level, message);
  std::vector<std::string> texts{"MESSAGE=" + message, "PRIORITY=" + std::to_string(static_cast<int>(level)),
                                 "SYSLOG_IDENTIFIER=postmultid"};
  for (const auto& [name, value] : fields) texts.push_back(name + "=" + value);
  std::vector<iovec> parts;
  for (std::string& text : texts) parts.push_back({text.data(), text.size()});
  if (::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) log(level, message);
}

std::optional<std::vector<std::string>> journal_tail(const std::function<bool(std::string_view)>& wanted,
                                                     std::size_t count, std::chrono::system_clock::time_point since) {
  sd_journal* opened = nullptr;
  if (::sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY) < 0) return std::nullopt;
  Journal journal(opened, &::sd_journal_close);
  if (::sd_journal_query_unique(opened, "SYSLOG_IDENTIFIER") < 0) return std::nullopt;
  const void* data = nullptr;
  std::size_t size = 0;
  bool any = false;
  SD_JOURNAL_FOREACH_UNIQUE(opened, data, size) {
    std::string_view match(static_cast<const char*>(data), size);
    if (!wanted(match.substr(match.find('=') + 1))) continue;
    if (::sd_journal_add_match(opened, data, size) < 0) return std::nullopt;  // matches of one field are alternatives
    any = true;
  }
  if (!any) return std::nullopt;
  return tail(opened, count, since);
}

// As `journalctl --unit` asks, see journal-fields(7).
std::optional<std::vector<std::string>> journal_tail_of_unit(const std::string& unit, std::size_t count,
                                                             std::chrono::system_clock::time_point since) {
  sd_journal* opened = nullptr;
  if (::sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY) < 0) return std::nullopt;
  Journal journal(opened, &::sd_journal_close);
  auto match = [opened](const std::string& text) { return ::sd_journal_add_match(opened, text.data(), text.size()); };
  if (match("_SYSTEMD_UNIT=" + unit) < 0 || ::sd_journal_add_disjunction(opened) < 0 || match("_PID=1") < 0 ||
      match("UNIT=" + unit) < 0)
    return std::nullopt;
  auto lines = tail(opened, count, since);
  return lines && !lines->empty() ? lines : std::nullopt;
}

}  // namespace postmultid::host
