// A cgroup of its own for each member, so that it outlives our unit whatever happens to that, its processes can be found
// whatever became of their parents and sessions, and what it uses can be told and limited.
//
// Under systemd that is a transient scope (systemd.scope(5)) in system-postfix.slice, made of a child of ours that waits
// for it before it executes the member's program. Elsewhere it is a cgroup below our own, where one can be made. Where
// neither is to be had the member lives in our own cgroup, and its session is all that holds it together: isolation is
// worth a word in the log, no failed start.
//
// Used from the event loop only.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/cgroup.hpp"
#include "host/units.hpp"

namespace postmultid::host {

struct Scope {
  std::string unit;         // "postfix-out.scope", a valid name of a unit; it is the cgroup's name, too
  std::string description;  // for people
  ScopeLimits limits;

  bool operator==(const Scope&) const = default;
};

class Scopes {
 public:
  /// Reads /proc.
  Scopes(Units& units, asio::thread_pool& pool);

  /// Moves that child into the member's cgroup, which is made if it is not there, with its limits. Within some seconds.
  asio::awaitable<void> settle(Scope scope, pid_t pid);

  /// Sees to it that the limits are in force where that process of the member's lives: started by us, or found running, with
  /// its cgroup from an earlier daemon of ours. Whoever lives in somebody else's cgroup, or in ours, stays there, and has
  /// none of its own. Returns what of them is not in force, with the reason: "memory_max is not in force: its cgroup has no
  /// memory controller".
  asio::awaitable<std::vector<std::string>> enforce(Scope scope, pid_t pid);

  /// The member's own cgroup, whether it is there now or not. No I/O.
  Cgroup cgroup(const Scope& scope) const;

  /// Nothing of the member is left: its cgroup goes. systemd sees to that itself.
  asio::awaitable<void> leave(Scope scope);

 private:
  /// Whether what was started or found last had, or has, one.
  bool has_own(const Scope& scope) const { return own_.contains(scope.unit); }
  /// Sees where that process lives.
  asio::awaitable<void> adopt(Scope scope, pid_t pid);
  asio::awaitable<std::string> by_systemd(Scope scope, pid_t pid);
  asio::awaitable<std::string> by_hand(Scope scope, pid_t pid);

  Units& units_;
  asio::thread_pool& pool_;
  bool systemd_;
  std::string parent_;                      // the directory of the cgroup in which the members' are; empty: none
  std::map<std::string, std::string> own_;  // by unit: the directory that it was seen in
  bool answered_ = false;                   // systemd did, once
  std::string trouble_;                     // why the last one got none; said once
};

/// systemd.unit(5), "String Escaping for Inclusion in Unit Names"; `dashes`: but for those.
std::string escaped_for_unit(std::string_view text, bool dashes = false);

}  // namespace postmultid::host
