// What is known of a member's past: how its masters ended, what failed, and what the next daemon goes on with when this one
// ends. Plain values.
#pragma once

#include <csignal>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/fault.hpp"
#include "model/ids.hpp"
#include "model/words.hpp"
#include "supervision/time.hpp"

namespace postmultid::supervision {

/// One piece of work, one timer or one master's life. What comes back with another id than the current one is stale.
enum class AttemptId : std::uint64_t { none = 0 };

/// How a master ended.
struct Exit {
  model::ExitCause cause = model::ExitCause::unknown;
  int signal = 0;
  std::string signal_name;  // "SIGKILL"
  std::optional<int> status;
  bool core_dumped = false;
  std::string words = {};  // how, where neither a signal nor a status says it: "does not answer any more"
  model::Missing missing = model::Missing::nothing;  // for want of what

  /// Of one that somebody has asked to end, as is known from elsewhere.
  static Exit by_request() { return {.cause = model::ExitCause::signal, .signal = SIGTERM, .signal_name = "SIGTERM"}; }
};

/// A failure as it is remembered for whoever asks later.
struct Failure {
  Instant at;        // the last time
  std::string what;  // "died", "start-failed", "check-failed", "blocked"
  model::Fault fault;
  AttemptId master = AttemptId::none;  // whose end it was; of this daemon's life only
  int pid = 0;
  Exit exit;
  unsigned times = 1;  // the same again is counted
};

/// What one daemon leaves to the next about a member. True until the next boot, as Instants and pids are.
struct Remembered {
  model::Desired desired = model::Desired::down;
  bool wished = false;            // somebody said so; else `enabled` did
  bool enabled = false;           // as it was then
  bool touched = false;           // a master existed, and not all of it has been seen to end
  int master = 0;                 // its pid; 0: it was just being started
  bool alive = false;             // nobody has seen that master end
  bool ending = false;            // ... and it was told to end
  std::optional<Duration> drain;  // it was to be stopped when what is under way is done, after so long in any case
  bool stopped = false;           // it was down, as wished
  bool stopped_outside = false;
  bool suspended = false;  // down, and in mind that it is wanted up
  std::uint64_t restarts = 0;
  unsigned streak = 0;               // failures in a row
  std::deque<Instant> restarted_at;  // that count against the start limit
  std::optional<Exit> last_exit;
  Instant exited_at{};
  std::deque<Failure> failures;
  std::vector<model::OperationId> operations;  // that wait for `desired`
};

}  // namespace postmultid::supervision
