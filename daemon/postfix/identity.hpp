// Is this process that instance's master? Nothing is signalled, adopted or called running before the answer is yes.
//
// The proof (docs/postfix-facts.md, "Identity of a master"): pid/master.pid names P; a pidfd of P is opened first;
// then P runs $daemon_directory/master, stands in queue_directory, and holds the exclusive flock on master.pid in
// its own name; and it is still alive after all that was read.
#pragma once

#include <expected>
#include <optional>

#include "host/process.hpp"
#include "model/error.hpp"
#include "model/fault.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

struct Master {
  host::Process process;
  std::uint64_t start_ticks = 0;
  std::string executable;
};

/// Proves that the process with this pid is the instance's master, or says which of the facts is missing.
model::Result<Master> prove(const Instance& instance, pid_t pid);

/// Looks for the instance's master. Nothing: the lock is free. A fault: somebody holds the lock who cannot be proved
/// to be the master; it must be left alone. May block on the file system.
std::expected<std::optional<Master>, model::Fault> find_master(const Instance& instance);

/// True if nobody holds the lock on master.pid. Takes a shared lock for microseconds: never call it during a start.
bool lock_is_free(const Instance& instance);

/// Who holds an exclusive lock on that file; 0 if that cannot be seen. Walks /proc.
pid_t lock_holder(const std::string& path);

/// "process 42 (/usr/sbin/exim4)"
std::string process_text(pid_t pid);

/// The directory of the instance's daemons with symbolic links resolved, as /proc/PID/exe shows it.
std::string real_daemon_directory(const Instance& instance);

}  // namespace postmultid::postfix
