// Being told that this host's addresses (rtnetlink(7)), mounts (proc_pid_mountinfo(5)) or names are not as they were.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "host/inotify.hpp"

namespace postmultid::host {

namespace asio = boost::asio;

class AddressWatch {
 public:
  explicit AddressWatch(asio::io_context& loop);

  /// Returns after the next change since the last call; never, where the kernel does not tell.
  asio::awaitable<void> changed();

 private:
  asio::posix::stream_descriptor route_;
};

class MountWatch {
 public:
  explicit MountWatch(asio::io_context& loop);

  asio::awaitable<void> changed();

 private:
  asio::posix::stream_descriptor mounts_;
};

/// What names stand for: /etc/resolv.conf, hosts, nsswitch.conf. (A name server that answers again tells nobody.)
class NameWatch {
 public:
  explicit NameWatch(asio::io_context& loop);

  asio::awaitable<void> changed();

 private:
  DirectoryWatch directories_;
};

}  // namespace postmultid::host
