#include "host/process.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

// Linux 6.13 has the call, 6.15 the exit status in it; Debian 12's headers have neither.
struct PidfdInfo {
  std::uint64_t mask = 0;
  std::array<std::uint32_t, 13> unused{};
  std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdInfo) == 64 && offsetof(PidfdInfo, exit_code) == 60);
constexpr std::uint64_t kInfoExit = 1u << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

std::string of_process(pid_t pid) { return " of process " + std::to_string(pid); }

}  // namespace

Result<Process> Process::open(pid_t pid) {
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return std::unexpected(system_error("pidfd_open" + of_process(pid)));
  return Process(pid, Fd(fd));
}

bool Process::alive() const {
  if (!pidfd_) return false;
  pollfd wait{pidfd_.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 0;
}

Result<void> Process::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) < 0)
    return std::unexpected(system_error("pidfd_send_signal" + of_process(pid_)));
  return {};
}

std::optional<int> Process::wait_status() const {
  PidfdInfo info;
  info.mask = kInfoExit;
  if (::ioctl(pidfd_.get(), kGetInfo, &info) < 0 || !(info.mask & kInfoExit)) return std::nullopt;
  return info.exit_code;
}

bool Process::tells_wait_status() {
  static const bool tells = [] {
    auto self = open(::getpid());
    PidfdInfo info;
    info.mask = kInfoExit;
    return self && ::ioctl(self->pidfd(), kGetInfo, &info) == 0;
  }();
  return tells;
}

Result<Fd> Process::take_fd(int number) const {
  int fd = static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), number, 0));
  if (fd < 0) return std::unexpected(system_error("pidfd_getfd" + of_process(pid_)));
  return Fd(fd);
}

}  // namespace postmultid::host
