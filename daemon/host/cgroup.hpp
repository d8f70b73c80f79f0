// A cgroup of version 2 (cgroups(7), and cgroup-v2 in the kernel's documentation): all processes that were begun in it,
// whatever became of their parents and sessions. Only files that every kernel has in every such cgroup are needed; what a
// controller would tell is "not available" where that is not in force. Nothing here is ever written to
// cgroup.subtree_control: with controllers passed on, a unit's own cgroup could not take its next main process (systemd's
// status 219/CGROUP).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/process.hpp"
#include "model/error.hpp"

namespace postmultid::host {

/// What its processes use now; what is not available is absent.
struct Usage {
  std::optional<std::uint64_t> memory_bytes;  // memory.current: with the files that are cached for them
  std::optional<std::uint64_t> tasks;         // pids.current: processes and threads
  std::optional<double> cpu_seconds;          // cpu.stat: since the cgroup was made
};

class Cgroup {
 public:
  /// None at all: nothing is in it.
  Cgroup() = default;
  /// It need not be there: it comes and goes with its processes.
  explicit Cgroup(std::string directory) : directory_(std::move(directory)) {}

  /// Empty: none at all.
  const std::string& directory() const { return directory_; }

  /// Makes it, and those above it as far as they are missing.
  model::Result<void> make() const;
  /// Removes it, and the one above it if that is empty now; not while a process is in it.
  void remove() const;

  /// Whether a process that is no zombie is in it, or in one below it. False where it is not there.
  bool populated() const;
  /// Those processes. One that leaves or ends meanwhile may be missing; none is there that was not in it.
  std::vector<Process> processes() const;
  /// SIGKILL to all of them at once, also to those that are being forked; false before Linux 5.14.
  bool kill() const;
  /// Moves the process into it.
  model::Result<void> take(pid_t pid) const;

  Usage usage() const;
  /// A file of a controller's with a number in it, or "max": the largest there is. Nothing: the controller is not in force.
  std::optional<std::uint64_t> number(const std::string& file) const;

 private:
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  std::vector<pid_t> pids() const;

  std::string directory_;
};

/// The one that the process is in; none where this host has no cgroup2, or its mount does not show that one.
Cgroup cgroup_of(pid_t pid);

/// A mount of cgroup2.
struct CgroupMount {
  std::string root;   // the cgroup that is mounted: a path in the hierarchy
  std::string point;  // where

  /// The directory of the cgroup with that path in the hierarchy; nothing: it is not under this root.
  std::optional<std::string> directory_of(const std::string& path) const;
};

/// Out of the text of a /proc/PID/mountinfo: where one expects it, else where it is first. Others may be mounted beside
/// it: on a hybrid host the controllers of version 1, with cgroup2 in /sys/fs/cgroup/unified.
std::optional<CgroupMount> cgroup_mount_in(std::string_view mountinfo);
/// "/system.slice/cron.service", out of the text of a /proc/PID/cgroup.
std::optional<std::string> cgroup_path_in(std::string_view cgroups);

}  // namespace postmultid::host
