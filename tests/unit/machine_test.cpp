// Every phase with every input: the machine does what the table says, and nothing else happens to it.
#include <doctest/doctest.h>

#include <functional>
#include <map>

#include "supervision/machine.hpp"

using namespace postmultid::supervision;
using postmultid::model::Desired;
using postmultid::model::State;

namespace {

/// One machine with its surroundings.
struct Bench {
  std::vector<Action> actions;
  std::uint64_t attempts = 0;
  std::minstd_rand random{1};
  Instant now{};
  Machine machine{MemberSpec{{"postfix-out"}, "mta", true, {}, {}}, Instant{}};
  AttemptId master = AttemptId::none;

  Context context() { return {now, actions, attempts, random}; }
  AttemptId current() const { return AttemptId{attempts}; }

  bool take(Input input) {
    Context c = context();
    Happened happened{.id = {"postfix-out"}, .input = input, .attempt = current(), .pid = 42};
    if (input == Input::died || input == Input::quit) {
      happened.attempt = master;
      happened.exit = Exit{};
      happened.exit->signal = input == Input::quit ? 15 : 9;
      happened.input = Input::died;
    }
    if (input == Input::proven || input == Input::present) master = current();
    return machine.take(happened, c);
  }
  void wish(Input want) {
    Context c = context();
    machine.wish(want, std::nullopt, c);
  }
  void reload() {
    Context c = context();
    machine.reload({1}, c);
  }
  void open() {
    Context c = context();
    machine.open(c);
  }
};

/// The shortest way to each phase.
Bench in(Phase phase) {
  Bench b;
  auto steps = [&](std::initializer_list<Input> inputs) {
    for (Input input : inputs) b.take(input);
  };
  b.open();
  switch (phase) {
    case Phase::unknown: break;
    case Phase::stopped:
      b.wish(Input::want_down);
      steps({Input::absent});
      break;
    case Phase::queued: steps({Input::absent}); break;
    case Phase::finding: steps({Input::absent, Input::turn}); break;
    case Phase::checking: steps({Input::absent, Input::turn, Input::absent}); break;
    case Phase::launching: steps({Input::absent, Input::turn, Input::absent, Input::checked}); break;
    case Phase::proving:
      steps({Input::absent, Input::turn, Input::absent, Input::checked, Input::launched, Input::proven});
      break;
    case Phase::running: steps({Input::present}); break;
    case Phase::guarding:
      steps({Input::present});
      b.wish(Input::want_bounce);
      break;
    case Phase::vetting:
      steps({Input::present});
      b.reload();
      break;
    case Phase::reloading:
      steps({Input::present});
      b.reload();
      steps({Input::checked});
      break;
    case Phase::leaving:
      steps({Input::present});
      b.wish(Input::want_down);
      break;
    case Phase::terminating:
      steps({Input::present});
      b.wish(Input::want_down);
      steps({Input::turn});
      break;
    case Phase::killing:
      steps({Input::present});
      b.wish(Input::want_down);
      steps({Input::turn, Input::expired});
      break;
    case Phase::sweeping:
      steps({Input::present});
      b.wish(Input::want_down);
      steps({Input::turn, Input::quit});
      break;
    case Phase::clearing: steps({Input::present, Input::died}); break;
    case Phase::backoff:
      steps({Input::present, Input::died, Input::cleared, Input::launched, Input::proven, Input::ready, Input::died,
             Input::cleared});
      break;
    case Phase::failed: steps({Input::foreign}); break;
  }
  b.actions.clear();
  return b;
}

constexpr Phase phase_at(std::size_t i) { return static_cast<Phase>(i); }
constexpr Input input_at(std::size_t i) { return static_cast<Input>(i); }

}  // namespace

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
