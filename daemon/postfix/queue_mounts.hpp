// Where each queue_directory is mounted: a queue that is not mounted must not be started on. Its mount point would take
// mail that disappears under the file system when that comes; so a start is refused where the queue is on another file
// system than the last time that its instance was ready.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "host/mounts.hpp"
#include "model/fault.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// What was seen, kept in a file over boots. For any thread; all of it may block on a disk.
class QueueMounts {
 public:
  /// Reads the file. One that cannot be read, or is not understood, is as none, and said in the log.
  explicit QueueMounts(std::string file);

  /// Why this queue is not to be started on.
  std::optional<model::Fault> lacks_mount(const Instance& instance) const;

  /// The instance runs on it.
  void remember(const Instance& instance);

  /// Why the file does not say so; empty: it does. Does not wait for a disk.
  std::string trouble() const;

 private:
  void write();

  const std::string file_;
  mutable std::mutex mutex_;
  std::map<std::string, host::Mount> known_;  // by queue_directory
  bool written_ = true;                       // all that is known is in the file, or on its way there
  std::string trouble_;
  std::mutex writing_;  // held while the file is written; taken before mutex_
};

}  // namespace postmultid::postfix
