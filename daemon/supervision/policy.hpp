// When a member that failed is started again: a pure function of its policy, its history and one random number.
//
// The first failure of a clean history restarts at once. Each further one waits restart_delay, doubled each time up
// to restart_delay_max, with +-20 % jitter so that members that died together do not return together. A member that
// was *ready* for stable_after has a clean history again. At most start_limit restarts are made in any
// start_limit_interval (a sliding window); after that the member is parked as failed and tried every retry_failed.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "supervision/time.hpp"

namespace postmultid::supervision {

enum class RestartRule { on_failure, always, never };

/// What a running member that does its work badly is worth.
enum class UnhealthyRule { ignore, restart };

/// What is done about a member whose programs were replaced on the disk while it runs.
enum class UpgradeRule { rolling_restart, flag };

struct Policy {
  RestartRule restart = RestartRule::on_failure;
  UnhealthyRule on_unhealthy = UnhealthyRule::ignore;
  UpgradeRule on_upgrade = UpgradeRule::rolling_restart;
  Duration restart_delay = std::chrono::milliseconds(250);
  Duration restart_delay_max = std::chrono::seconds(60);
  Duration stable_after = std::chrono::seconds(60);
  unsigned start_limit = 6;
  Duration start_limit_interval = std::chrono::minutes(10);
  std::optional<Duration> retry_failed = std::chrono::minutes(10);  // nothing: never
  // "postfix check" walks the queue and may take its time; "master -w" gives up by itself after 100 s.
  Duration start_timeout = std::chrono::seconds(120);
  Duration stop_timeout = std::chrono::seconds(30);
  Duration stop_grace = std::chrono::seconds(10);
  Duration orphan_grace =
      std::chrono::minutes(10);  // for what a master that crashed has left in the middle of a session
};

/// What the policy says about one failure: try again `after` so long, or park the member.
struct Verdict {
  bool give_up = false;
  std::optional<Duration> after;  // nothing together with give_up: never by itself
};

class FailureHistory {
 public:
  FailureHistory() = default;
  FailureHistory(unsigned streak, std::deque<Instant> restarts) : streak_(streak), restarts_(std::move(restarts)) {}

  /// One more failure at `now`. `ready_for` is how long the member had been ready before it (zero if it never was);
  /// `chance` in [0, 1) decides the jitter.
  Verdict fail(const Policy& policy, Instant now, Duration ready_for, double chance);
  void clear();

  unsigned streak() const { return streak_; }
  const std::deque<Instant>& restarts() const { return restarts_; }

 private:
  unsigned streak_ = 0;
  std::deque<Instant> restarts_;  // inside the sliding window; never longer than start_limit
};

}  // namespace postmultid::supervision
