#include <doctest/doctest.h>

#include "supervision/policy.hpp"

using namespace postmultid::supervision;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const Instant kStart{};
constexpr double kNoJitter = 0.5;  // the middle of the range

milliseconds delay(FailureHistory& history, const Policy& policy, Instant now, milliseconds ready_for = {},
                   double chance = kNoJitter) {
  Verdict verdict = history.fail(policy, now, ready_for, chance);
  REQUIRE_FALSE(verdict.give_up);
  return *verdict.after;
}

}  // namespace

TEST_CASE("the first failure of a clean history restarts at once, each further one waits twice as long") {
  Policy policy;
  FailureHistory history;
  CHECK(delay(history, policy, kStart) == milliseconds(0));
  CHECK(delay(history, policy, kStart + seconds(1)) == milliseconds(250));
  CHECK(delay(history, policy, kStart + seconds(2)) == milliseconds(500));
  CHECK(delay(history, policy, kStart + seconds(3)) == milliseconds(1000));
}

TEST_CASE("a delay never exceeds restart_delay_max, jitter included") {
  Policy policy;
  policy.start_limit = 100;
  FailureHistory history;
  for (int i = 0; i < 90; ++i)
    CHECK(delay(history, policy, kStart + seconds(i), {}, 0.999) <= policy.restart_delay_max);
}

TEST_CASE("jitter stays within 20 percent") {
  Policy policy;
  for (double chance : {0.0, 0.25, 0.999}) {
    FailureHistory history;
    delay(history, policy, kStart);
    auto waited = delay(history, policy, kStart, {}, chance);
    CHECK(waited >= milliseconds(200));
    CHECK(waited <= milliseconds(300));
  }
}

TEST_CASE("stable_after of ready time cleans the delays, less does not") {
  Policy policy;
  FailureHistory history;
  delay(history, policy, kStart);
  delay(history, policy, kStart);
  CHECK(delay(history, policy, kStart, policy.stable_after - milliseconds(1)) == milliseconds(500));
  CHECK(delay(history, policy, kStart, policy.stable_after) == milliseconds(0));
}

TEST_CASE("the seventh restart within ten minutes is refused, and a slow retry is promised") {
  Policy policy;
  FailureHistory history;
  for (int i = 0; i < 6; ++i) delay(history, policy, kStart + seconds(i));
  Verdict verdict = history.fail(policy, kStart + seconds(7), {}, kNoJitter);
  CHECK(verdict.give_up);
  CHECK(verdict.after == minutes(10));
}

TEST_CASE("the limit's window slides: a restart of ten minutes ago does not count any more") {
  Policy policy;
  FailureHistory history;
  for (int i = 0; i < 6; ++i) delay(history, policy, kStart + minutes(i));
  CHECK(history.fail(policy, kStart + minutes(10) - milliseconds(1), {}, kNoJitter).give_up);
  CHECK_FALSE(history.fail(policy, kStart + minutes(10), {}, kNoJitter).give_up);
  CHECK(history.fail(policy, kStart + minutes(10) + seconds(1), {}, kNoJitter).give_up);
}

TEST_CASE("restart: never gives up at once and without a retry") {
  Policy policy;
  policy.restart = RestartRule::never;
  FailureHistory history;
  Verdict verdict = history.fail(policy, kStart, {}, kNoJitter);
  CHECK(verdict.give_up);
  CHECK_FALSE(verdict.after.has_value());
}

TEST_CASE("a cleared history is as good as new") {
  Policy policy;
  FailureHistory history;
  for (int i = 0; i < 6; ++i) delay(history, policy, kStart);
  history.clear();
  CHECK(delay(history, policy, kStart) == milliseconds(0));
}
