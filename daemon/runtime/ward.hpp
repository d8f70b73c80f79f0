// What the shell keeps for one member: the hands and eyes that the core, being pure, does not have.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/status.hpp"
#include "runtime/driver.hpp"
#include "supervision/events.hpp"

namespace postmultid::runtime {

/// What the OOM killer had done around a life when it came into our charge.
struct Memory {
  std::chrono::steady_clock::time_point noted_at = std::chrono::steady_clock::now();
  std::string oom_counter;  // the file that counts
  std::optional<std::uint64_t> oom_kills;
};

/// What this member stands or falls with.
struct Charge {
  explicit Charge(asio::io_context& loop) : next_look(loop), looked(loop) {}

  std::shared_ptr<const Driver> driver;  // as it was when this was started or found
  std::shared_ptr<const Driver> read;    // as its files were when it read them last: what it is to serve now
  std::shared_ptr<const Life> life;
  supervision::AttemptId id;  // the attempt under which the core knows it
  model::Proof proof;         // pid 0 where the life is no process of ours
  asio::steady_timer next_look;
  bool look_now = false;  // somebody wants the next look at once
  Look last_look = Look::quick;
  bool looking = false;  // a look is under way; if its disk hangs there is never a second one
  std::chrono::steady_clock::time_point look_begun{};
  asio::steady_timer looked;  // cancelled when it has ended
  host::LogMark since;        // where its log ended before it was started, or when it was found
  Memory memory;
};

struct Ward {
  explicit Ward(asio::io_context& loop) : timer(loop) {}

  std::shared_ptr<const Driver> driver;  // never null
  bool enabled_known = true;
  bool readable = false;  // `driver` was made of files that could be read whole
  // As it was when what ran last was started or found: where its processes and sockets are, whatever the files say by now.
  std::shared_ptr<const Driver> ran_as;

  // The work under way. The signal is shared with the coroutine that it can cancel, which may end later.
  supervision::AttemptId work = supervision::AttemptId::none;
  std::shared_ptr<asio::cancellation_signal> cancel;

  asio::steady_timer timer;
  supervision::AttemptId timer_attempt = supervision::AttemptId::none;

  std::shared_ptr<Charge> charge;  // null: nothing runs
  std::shared_ptr<Charge> ended;   // what ran before; null: nothing did
  host::LogMark log_mark;          // where its log ended before what is being started now
  std::optional<model::WallTime> started_at;

  // What was seen last.
  std::vector<std::string> listeners;
  std::string shares;  // endpoints, with whom
  Counts counts;
  host::Usage usage;
  bool counted = false;
  std::string lacks_limits;  // of those that were declared, what is not in force and why
  bool enforcing = false, enforce_again = false;
  bool observing = false;    // an observation is under way; if its disk hangs there is never a second one
  bool sighting = false;     // ... nor of this kind
  std::string under_way;     // what a drain waits for
  host::Processes commands;  // that it was running when it was told to end
  std::optional<model::Survivors> survivors;
  model::MemberTally tally;

  // Where its files do not say what the definition says; empty: nowhere. Nothing: nobody has looked, or it is not declared.
  std::optional<std::string> drift;

  // As the last events about it said.
  model::Health health_told = model::Health::unknown;
  bool restart_told = false;  // that it needs one
};

}  // namespace postmultid::runtime
