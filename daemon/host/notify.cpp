#include "host/notify.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace postmultid::host {

void notify_ready() { ::sd_notify(0, "READY=1"); }

void notify_status(const std::string& status) {
  static std::string told;
  if (std::exchange(told, status) != status) ::sd_notify(0, ("STATUS=" + status).c_str());
}

void notify_stopping() { ::sd_notify(0, "STOPPING=1"); }

void extend_timeout(std::chrono::seconds by) {
  auto microseconds = std::chrono::microseconds(by).count();
  ::sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds)).c_str());
}

std::optional<std::chrono::microseconds> watchdog_limit() {
  std::uint64_t limit = 0;
  if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::microseconds(limit);
}

void feed_watchdog() { ::sd_notify(0, "WATCHDOG=1"); }

bool keep_descriptor(int fd, const std::string& name) {
  return ::sd_pid_notify_with_fds(0, 0, ("FDSTORE=1\nFDNAME=" + name).c_str(), &fd, 1) > 0;
}

void forget_descriptor(const std::string& name) { ::sd_notify(0, ("FDSTOREREMOVE=1\nFDNAME=" + name).c_str()); }

std::optional<Fd> take_kept_descriptor(const std::string& name) {
  std::optional<Fd> found;
  char** names = nullptr;
  // The variables that tell of them are no business of our children.
  int count = ::sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    Fd given(SD_LISTEN_FDS_START + i);
    ::fcntl(given.get(), F_SETFD, FD_CLOEXEC);
    if (!found && names[i] == name) found = std::move(given);
    std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  return found;
}

bool is_listener_at(int fd, const std::string& path) {
  return ::sd_is_socket_unix(fd, SOCK_STREAM, 1, path.c_str(), 0) > 0;
}

}  // namespace postmultid::host
