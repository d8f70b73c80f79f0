#include "host/log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

namespace postmultid::host {

namespace {

std::atomic<Level> threshold{Level::info};

/// journald names the stream that it made: only then does it take the "<3>" in front for a priority.
bool writes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream && ::fstat(STDERR_FILENO, &status) == 0 && fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace

void set_log_level(Level level) { threshold = level; }

void log(Level level, std::string_view message) {
  if (level > threshold) return;
  static const bool journal = writes_to_journal();
  std::string line = journal ? fmt::format("<{}>{}", static_cast<int>(level), message) : std::string(message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  // One write, so that lines of two threads do not mix; a full or closed standard error must not stop the daemon.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace postmultid::host
