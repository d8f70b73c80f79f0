#include "supervision/policy.hpp"

#include <algorithm>

namespace postmultid::supervision {

namespace {

/// The delay before the n-th restart in a row (n = 0 is the first): 0, d, 2d, 4d … restart_delay_max.
Duration delay_before(const Policy& policy, unsigned n, double chance) {
  if (n == 0) return Duration::zero();
  Duration delay = policy.restart_delay;
  for (unsigned i = 1; i < n && delay < policy.restart_delay_max; ++i) delay *= 2;
  delay = std::min(delay, policy.restart_delay_max);
  auto jittered = std::chrono::duration<double, std::milli>(delay) * (0.8 + 0.4 * chance);
  return std::min(std::chrono::duration_cast<Duration>(jittered), policy.restart_delay_max);
}

}  // namespace

Verdict FailureHistory::fail(const Policy& policy, Instant now, Duration ready_for, double chance) {
  if (policy.restart == RestartRule::never) return {true, std::nullopt};
  if (ready_for >= policy.stable_after) streak_ = 0;
  while (!restarts_.empty() && now - restarts_.front() >= policy.start_limit_interval) restarts_.pop_front();
  if (restarts_.size() >= policy.start_limit) return {true, policy.retry_failed};
  Duration delay = delay_before(policy, streak_, chance);
  ++streak_;
  restarts_.push_back(now);
  return {false, delay};
}

void FailureHistory::clear() {
  streak_ = 0;
  restarts_.clear();
}

}  // namespace postmultid::supervision
