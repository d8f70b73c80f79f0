// One machine of the core on a bench: brought into any phase the shortest way, given any input, looked at.
#pragma once

#include "supervision/machine.hpp"

namespace postmultid::test {

using namespace supervision;

/// One machine with its surroundings.
struct Bench {
  std::vector<Action> actions;
  std::uint64_t attempts = 0;
  std::minstd_rand random{1};
  Instant now{};
  Machine machine{MemberSpec{{"postfix-out"}, "mta", true, {}, {}}, Instant{}};
  AttemptId master = AttemptId::none;
  std::optional<Fault> fault;  // of what is taken

  Context context() { return {now, actions, attempts, random, {}}; }
  AttemptId current() const { return AttemptId{attempts}; }

  bool take(Input input) {
    Context c = context();
    Happened happened{.id = {"postfix-out"}, .input = input, .attempt = current(), .pid = 42, .fault = fault};
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
    machine.open(std::nullopt, c);
  }
};

/// The shortest way to each phase.
inline Bench in(Phase phase) {
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
    case Phase::draining:
      steps({Input::present});
      b.wish(Input::want_drain);
      steps({Input::turn, Input::died});
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

/// The ways to a phase that differ in where they lead to from there; the shortest is the first.
inline std::vector<Bench> ways_to(Phase phase) {
  std::vector<Bench> ways{in(phase)};
  if (phase == Phase::leaving || phase == Phase::killing) {
    Bench draining = in(Phase::running);
    draining.wish(Input::want_drain);
    if (phase == Phase::killing) draining.take(Input::turn);
    ways.push_back(draining);
  }
  if (phase == Phase::failed) {
    Bench waiting = in(Phase::checking);
    waiting.fault = Fault{.kind = model::FailureClass::environment, .missing = model::Missing::address};
    waiting.take(Input::check_failed);
    ways.push_back(waiting);
    Bench refused = in(Phase::checking);
    refused.fault = Fault{.kind = model::FailureClass::config};
    refused.take(Input::check_failed);
    ways.push_back(refused);
  }
  return ways;
}

constexpr Phase phase_at(std::size_t i) { return static_cast<Phase>(i); }
constexpr Input input_at(std::size_t i) { return static_cast<Input>(i); }

}  // namespace postmultid::test
