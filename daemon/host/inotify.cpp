#include "host/inotify.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

namespace postmultid::host {

namespace {

constexpr std::uint32_t kInteresting =
    IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

DirectoryWatch::DirectoryWatch(asio::io_context& loop) : queue_(loop) {
  if (int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK); fd >= 0) queue_.assign(fd);
}

std::vector<std::string> DirectoryWatch::watch(const std::set<std::string>& directories) {
  {
    std::lock_guard lock(mutex_);
    for (auto each = watched_.begin(); each != watched_.end();) {
      if (directories.contains(each->second)) {
        ++each;
      } else {
        ::inotify_rm_watch(queue_.native_handle(), each->first);
        each = watched_.erase(each);
      }
    }
  }
  // Those that are watched already, too: a directory may have been replaced by another one of its name.
  std::vector<std::string> failed;
  for (const std::string& directory : directories) {
    int number = queue_.is_open() ? ::inotify_add_watch(queue_.native_handle(), directory.c_str(), kInteresting) : -1;
    if (number < 0) {
      failed.push_back(directory);
      continue;
    }
    std::lock_guard lock(mutex_);
    watched_[number] = directory;
  }
  return failed;
}

std::vector<Change> DirectoryWatch::pending() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  std::vector<Change> changes;
  ssize_t got = ::read(queue_.native_handle(), buffer.data(), buffer.size());
  std::lock_guard lock(mutex_);
  for (ssize_t at = 0; at < got;) {
    inotify_event event;
    std::memcpy(&event, buffer.data() + at, sizeof(event));
    const char* name = buffer.data() + at + sizeof(event);
    if (event.mask & IN_Q_OVERFLOW)
      changes.push_back({});
    else if (event.mask & IN_IGNORED)
      watched_.erase(event.wd);
    else if (auto found = watched_.find(event.wd); found != watched_.end())
      changes.push_back({found->second, event.len ? name : ""});
    at += static_cast<ssize_t>(sizeof(event) + event.len);
  }
  return changes;
}

asio::awaitable<std::vector<Change>> DirectoryWatch::changes() {
  for (;;) {
    co_await queue_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    if (auto seen = pending(); !seen.empty()) co_return seen;
  }
}

}  // namespace postmultid::host
