// A process that cannot be mistaken for another: a pid is only a number, and the kernel gives it again to somebody
// else; a pidfd (Linux 5.3) names one process for ever. Whoever wants to signal a process holds one of these.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

class Process {
 public:
  Process() = default;

  /// The process that has this pid now. Facts read by pid *after* this belong to it as long as alive() still holds.
  static model::Result<Process> open(pid_t pid);

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  bool alive() const;
  model::Result<void> signal(int number) const;

  /// How it ended, in wait(2)'s form, whosever child it was. Nothing while its parent has not reaped it, and where the
  /// kernel does not tell (before Linux 6.15).
  std::optional<int> wait_status() const;
  /// Whether this kernel tells that at all.
  static bool tells_wait_status();

  /// A duplicate of one of its descriptors (pidfd_getfd, Linux 5.6; needs the right to trace it).
  model::Result<Fd> take_fd(int number) const;

 private:
  Process(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_ = 0;
  Fd pidfd_;
};

/// Some that were found, for whoever wants to see their end; null: none were.
using Processes = std::shared_ptr<const std::vector<Process>>;

}  // namespace postmultid::host
