// Every phase with every input: the machine does what the table says, and nothing else happens to it.
#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace postmultid::test;
using postmultid::model::Desired;
using postmultid::model::State;

TEST_CASE("each phase can be reached") {
  for (std::size_t p = 0; p < kPhases; ++p) {
    CAPTURE(name(phase_at(p)));
    CHECK(in(phase_at(p)).machine.phase() == phase_at(p));
  }
}

TEST_CASE("every input in every phase is either taken as the table says or refused without a trace") {
  for (std::size_t p = 0; p < kPhases; ++p)
    for (std::size_t i = 0; i < kInputs; ++i) {
      Phase phase = phase_at(p);
      Input input = input_at(i);
      CAPTURE(name(phase));
      CAPTURE(name(input));
      Bench b = in(phase);
      bool possible = kMachineTable[p][i] != Step::impossible;
      // The end of a master is news only where there is one; by then it is known under its own id.
      if (input == Input::died || input == Input::quit) possible = possible && b.machine.pid() != 0;
      bool taken = b.take(input);
      CHECK(taken == possible);
      if (!taken) {
        CHECK(b.machine.phase() == phase);
        CHECK(b.actions.empty());
      }
    }
}

TEST_CASE("an answer with the id of an earlier attempt does nothing, in any phase") {
  for (std::size_t p = 0; p < kPhases; ++p)
    for (Input input : {Input::present, Input::absent, Input::foreign, Input::checked, Input::check_failed,
                        Input::launched, Input::launch_failed, Input::proven, Input::ready, Input::not_ready,
                        Input::reloaded, Input::not_reloaded, Input::cleared, Input::swept, Input::expired}) {
      CAPTURE(name(phase_at(p)));
      CAPTURE(name(input));
      Bench b = in(phase_at(p));
      Context c = b.context();
      Happened stale{.id = {"postfix-out"}, .input = input, .attempt = AttemptId{b.attempts + 1000}};
      CHECK_FALSE(b.machine.take(stale, c));
      CHECK(b.machine.phase() == phase_at(p));
      CHECK(b.actions.empty());
    }
}

TEST_CASE("a wish is remembered in every phase") {
  for (std::size_t p = 0; p < kPhases; ++p) {
    CAPTURE(name(phase_at(p)));
    Bench down = in(phase_at(p));
    down.wish(Input::want_down);
    CHECK(down.machine.desired() == Desired::down);
    Bench up = in(phase_at(p));
    up.wish(Input::want_up);
    CHECK(up.machine.desired() == Desired::up);
  }
}

TEST_CASE("a member whose files cannot be read is failed with that reason, and its running master stays") {
  Fault fault{postmultid::model::FailureClass::config, "config-unreadable", "master.cf:38: bad field count", ""};
  Bench stopped = in(Phase::stopped);
  Context c = stopped.context();
  stopped.machine.respecify(MemberSpec{{"postfix-out"}, "mta", true, fault, {}}, c);
  CHECK(stopped.machine.state() == State::failed);
  CHECK(stopped.machine.fault()->message == fault.message);

  Bench running = in(Phase::running);
  Context d = running.context();
  running.machine.respecify(MemberSpec{{"postfix-out"}, "mta", true, fault, {}}, d);
  CHECK(running.machine.state() == State::running);
  CHECK(running.actions.empty());
}

namespace {

/// A machine whose master has just died by SIGKILL and is being started again.
Bench after_a_death() {
  Bench b = in(Phase::running);
  b.take(Input::died);
  b.take(Input::cleared);
  return b;
}

Explained told(const Bench& b, bool oom, std::string message) {
  Explained explained{{"postfix-out"}, b.master, oom, {}};
  explained.fault.message = std::move(message);
  explained.fault.log = {"a line"};
  return explained;
}

bool learn(Bench& b, const Explained& explained) {
  Context c = b.context();
  return b.machine.learn(explained, c);
}

void fail_launch(Bench& b, const Fault& fault) {
  Context c = b.context();
  b.machine.take({.id = {"postfix-out"}, .input = Input::launch_failed, .attempt = b.current(), .fault = fault}, c);
}

}  // namespace

TEST_CASE("a crash starts its master again before anybody has read a log") {
  Bench b = after_a_death();
  CHECK(b.machine.phase() == Phase::launching);
  CHECK(std::count_if(b.actions.begin(), b.actions.end(),
                      [](const Action& action) { return std::holds_alternative<Explain>(action); }) == 1);
  REQUIRE(b.machine.past_failures().size() == 1);
  CHECK(b.machine.past_failures()[0].what == "died");
}

TEST_CASE("what is learned later about a death is added to it, also when its successor runs") {
  Bench b = after_a_death();
  CHECK(learn(b, told(b, true, "")));
  CHECK(b.machine.last_exit()->cause == postmultid::model::ExitCause::oom);
  CHECK(b.machine.past_failures()[0].fault.message.find("OOM killer") != std::string::npos);
  CHECK(b.machine.fault()->message == b.machine.past_failures()[0].fault.message);

  AttemptId dead = b.master;
  for (Input input : {Input::launched, Input::proven, Input::ready}) b.take(input);
  b.master = dead;
  CHECK(learn(b, told(b, false, "bad numerical configuration")));
  CHECK(b.machine.past_failures()[0].fault.message.ends_with("bad numerical configuration"));
  CHECK_FALSE(b.machine.fault());
  CHECK(b.machine.state() == State::running);
  CHECK_FALSE(learn(b, {{"postfix-out"}, AttemptId{4711}, true, {}}));
  CHECK_FALSE(learn(b, {{"postfix-out"}, AttemptId::none, true, {}}));
}

TEST_CASE("a start that a bad configuration has failed is not tried again until the files change") {
  Bench b = in(Phase::launching);
  fail_launch(b, {postmultid::model::FailureClass::config, "bad-parameter", "main.cf:7: max_idle = 5q", ""});
  CHECK(b.machine.state() == State::failed);
  CHECK(b.machine.restarts() == 0);
  CHECK(b.take(Input::edited));
  CHECK(b.machine.state() == State::waiting);
}

TEST_CASE("an edit tries again also what something else has failed") {
  Bench b = in(Phase::launching);
  fail_launch(b, {postmultid::model::FailureClass::environment, "port-in-use", "in use", "",
                  postmultid::model::Missing::port, 42});
  CHECK(b.machine.state() == State::failed);
  CHECK(b.take(Input::edited));
  CHECK(b.machine.state() == State::waiting);
}

TEST_CASE("the last failures are kept, the same one again is counted") {
  Bench b = in(Phase::launching);
  auto fail = [&](const std::string& message) {
    fail_launch(b, {postmultid::model::FailureClass::config, "bad-parameter", message, ""});
    b.take(Input::edited);
    for (Input input : {Input::turn, Input::absent, Input::checked}) b.take(input);
    REQUIRE(b.machine.phase() == Phase::launching);
  };
  for (int i = 0; i < 3; ++i) fail("the same");
  REQUIRE(b.machine.past_failures().size() == 1);
  CHECK(b.machine.past_failures()[0].times == 3);
  for (int i = 0; i < 10; ++i) fail("number " + std::to_string(i));
  REQUIRE(b.machine.past_failures().size() == 5);
  CHECK(b.machine.past_failures()[4].fault.message == "number 9");
  Context c = b.context();
  b.machine.reset_failed(c);
  CHECK(b.machine.past_failures().empty());
}
