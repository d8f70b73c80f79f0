#include "host/log.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "host/journal.hpp"

namespace postmultid::host {

namespace {

constexpr std::size_t kLongestLine = 4000;
std::atomic<Level> threshold{Level::info};

}  // namespace

std::optional<Level> level_called(std::string_view name) {
  if (name == "error") return Level::error;
  if (name == "warning") return Level::warning;
  if (name == "notice") return Level::notice;
  if (name == "info") return Level::info;
  if (name == "debug") return Level::debug;
  return std::nullopt;
}

void set_log_level(Level level) { threshold = level; }

void log(Level level, std::string_view message) {
  if (level > threshold) return;
  // Only journald takes the "<3>" in front for a priority.
  static const bool journal = writes_to_journal();
  std::string line = journal ? fmt::format("<{}>{}", static_cast<int>(level), message) : std::string(message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  // A pipe says that it can be written when it has room for so much.
  line.resize(std::min(line.size(), kLongestLine));
  line += '\n';
  pollfd output{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&output, 1, 0) != 1 || !(output.revents & POLLOUT)) return;
  // One write, so that lines of two threads do not mix; a full or closed standard error must not stop the daemon.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace postmultid::host
