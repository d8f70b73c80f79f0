// Every phase with every input: the machine does what the table says, and nothing else happens to it.
#include <doctest/doctest.h>

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
