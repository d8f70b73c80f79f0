#include "host/surroundings.hpp"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "host/fd.hpp"

namespace postmultid::host {

namespace {

asio::awaitable<void> for_ever(asio::any_io_executor executor) {
  asio::steady_timer never(executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

}  // namespace

AddressWatch::AddressWatch(asio::io_context& loop) : route_(loop) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_LINK;
  if (socket && ::bind(socket.get(), reinterpret_cast<sockaddr*>(&groups), sizeof(groups)) == 0)
    route_.assign(socket.release());
}

asio::awaitable<void> AddressWatch::changed() {
  if (!route_.is_open()) co_return co_await for_ever(route_.get_executor());
  co_await route_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  // What it was does not matter. More than fits is lost (ENOBUFS), and is a change all the same.
  std::array<char, 8192> unread;
  while (::recv(route_.native_handle(), unread.data(), unread.size(), 0) > 0) continue;
}

MountWatch::MountWatch(asio::io_context& loop) : mounts_(loop) {
  if (int fd = ::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC); fd >= 0) mounts_.assign(fd);
}

asio::awaitable<void> MountWatch::changed() {
  if (!mounts_.is_open()) co_return co_await for_ever(mounts_.get_executor());
  // Always readable; a change is an exceptional condition, told once.
  co_await mounts_.async_wait(asio::posix::stream_descriptor::wait_error, asio::use_awaitable);
}

NameWatch::NameWatch(asio::io_context& loop) : directories_(loop) {
  std::set<std::string> directories{"/etc"};
  std::error_code error;
  // Often a link into /run, where a resolver keeps the file.
  if (auto real = std::filesystem::canonical("/etc/resolv.conf", error); !error) directories.insert(real.parent_path());
  directories_.watch(directories);
}

asio::awaitable<void> NameWatch::changed() {
  static const std::set<std::string> kFiles{"resolv.conf", "stub-resolv.conf", "hosts", "nsswitch.conf"};
  for (;;) {
    auto changes = co_await directories_.changes();
    bool about_names = std::any_of(changes.begin(), changes.end(), [](const Change& change) {
      return change.directory.empty() || kFiles.contains(change.name);
    });
    if (about_names) co_return;
  }
}

}  // namespace postmultid::host
