// Being told when something in a directory changes (inotify(7)). Directories are watched, not files: an editor replaces
// a file by another one of the same name.
//
// watch() may be called from one other thread, because a hanging file system makes it wait; the rest is for the event
// loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace postmultid::host {

namespace asio = boost::asio;

/// A name in a watched directory that was written, replaced, made or removed. An empty directory: more happened than
/// the kernel could remember, so anything may have changed.
struct Change {
  std::string directory, name;
};

class DirectoryWatch {
 public:
  explicit DirectoryWatch(asio::io_context& loop);

  /// Watches exactly these from now on. One that is not there, or is one too many for the kernel, is returned; it is
  /// tried again with the next call.
  std::vector<std::string> watch(const std::set<std::string>& directories);

  /// What has changed since the last call; waits for the first.
  asio::awaitable<std::vector<Change>> changes();
  /// The same without waiting.
  std::vector<Change> pending();

 private:
  asio::posix::stream_descriptor queue_;
  std::mutex mutex_;
  std::map<int, std::string> watched_;  // guarded by mutex_
};

}  // namespace postmultid::host
