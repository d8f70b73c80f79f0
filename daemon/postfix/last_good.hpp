// The files that each instance last ran well with, kept aside: when a changed configuration costs a master its life, or keeps
// the next one from starting, there is something to compare with and to go back to.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Copies of main.cf and master.cf, below a directory, at the path that they have themselves; readable for root only, for
/// there may be passwords in them. For any thread; all of it may block on a disk.
class LastGood {
 public:
  explicit LastGood(std::string directory) : directory_(std::move(directory)) {}

  /// A master has come up with these files, or has read them again and lives. Not if one was written after `read_at`: it was
  /// found running, and they may be others by now. What cannot be kept is said in the log.
  void keep(const Instance& instance, std::chrono::system_clock::time_point read_at);

  /// The directory with the copies, if they differ from the files as they are now; else empty.
  std::string if_changed(const Instance& instance) const;

  /// What could not be kept; empty: nothing. Does not wait for a disk.
  std::string trouble() const;

 private:
  void tell(const std::string& file, std::string trouble);
  std::string kept(const Instance& instance) const { return directory_ + instance.config_directory; }

  const std::string directory_;
  std::mutex mutex_;  // one writer at a time
  mutable std::mutex telling_;
  std::map<std::string, std::string> troubles_;  // by the copy's path
};

}  // namespace postmultid::postfix
