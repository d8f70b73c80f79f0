#include "host/kernel_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>

#include "host/fd.hpp"

namespace postmultid::host {

namespace {

// The kernel's buffer holds some thousand records; this only ends a flood that is read more slowly than it comes.
constexpr int kMostRecords = 100'000;
// A record is at most this long (PRINTK_MESSAGE_MAX is 2048).
constexpr std::size_t kLongestRecord = 8192;
// The kernel's log has a clock of its own, which does not count exactly as the others do.
constexpr std::chrono::seconds kClockSlack{5};

/// Takes digits and the character after them off the front.
bool take_number(std::string_view& text, char after, std::uint64_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != after) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

/// The kernel counts processes as the first pid namespace does; in another one its numbers mean somebody else.
bool in_first_pid_namespace() {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // PROC_PID_INIT_INO
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kFirst;
}

}  // namespace

std::optional<KernelRecord> parse_kernel_record(std::string_view record, pid_t pid) {
  std::uint64_t priority = 0, sequence = 0;
  KernelRecord parsed;
  if (!take_number(record, ',', priority) || !take_number(record, ',', sequence) ||
      !take_number(record, ',', parsed.microseconds))
    return std::nullopt;
  std::size_t text = record.find(';');
  if (text == std::string_view::npos) return std::nullopt;
  record.remove_prefix(text + 1);
  // Anybody who may write /dev/kmsg could say this, but under a facility of its own: the kernel's is 0.
  bool by_kernel = priority < 8;
  bool of_oom = record.starts_with("Out of memory") || record.starts_with("Memory cgroup out of memory");
  constexpr std::string_view kKilled = "Killed process ";
  std::size_t at = record.find(kKilled);
  if (!by_kernel || !of_oom || at == std::string_view::npos) return parsed;
  record.remove_prefix(at + kKilled.size());
  std::uint64_t killed = 0;
  parsed.oom_kill = take_number(record, ' ', killed) && killed == static_cast<std::uint64_t>(pid);
  return parsed;
}

std::optional<bool> ended_by_oom_killer(pid_t pid, std::chrono::steady_clock::time_point since) {
  if (!in_first_pid_namespace()) return std::nullopt;
  Fd log(::open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!log) return std::nullopt;
  // Both count from the boot, without the time that the host has slept.
  auto begin = since.time_since_epoch() - kClockSlack;
  std::array<char, kLongestRecord> buffer;
  bool any = false;
  for (int i = 0; i < kMostRecords; ++i) {
    ssize_t got = ::read(log.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EPIPE) continue;  // overwritten while we read: goes on with the oldest that is there
    if (got <= 0) break;
    any = true;
    auto record = parse_kernel_record({buffer.data(), static_cast<std::size_t>(got)}, pid);
    if (record && record->oom_kill && std::chrono::microseconds(record->microseconds) >= begin) return true;
  }
  return any ? std::optional(false) : std::nullopt;
}

}  // namespace postmultid::host
