#include "host/process.hpp"

#include <poll.h>
#include <sys/syscall.h>

#include <string>

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

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

Result<Fd> Process::take_fd(int number) const {
  int fd = static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), number, 0));
  if (fd < 0) return std::unexpected(system_error("pidfd_getfd" + of_process(pid_)));
  return Fd(fd);
}

}  // namespace postmultid::host
