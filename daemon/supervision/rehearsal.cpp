#include "supervision/rehearsal.hpp"

#include <csignal>
#include <deque>
#include <utility>

namespace postmultid::supervision {

namespace {

// A member takes some ten steps; more than this is a fault of ours, and must not hold up the daemon.
constexpr std::size_t kMostPerMember = 100, kMost = 1000;
// No real operation has this number.
constexpr OperationId kRehearsed{0};
constexpr int kSomePid = 1;

/// The work that this member waits for just now, as the action that has begun it.
std::vector<Action> under_way(const Machine& member) {
  const MemberId& id = member.spec().id;
  AttemptId attempt = member.attempt();
  switch (member.phase()) {
    case Phase::unknown:
    case Phase::finding: return {FindMaster{id, attempt}};
    case Phase::checking: return {Check{id, attempt}};
    case Phase::guarding:
    case Phase::vetting: return {Guard{id, attempt}};
    case Phase::launching: return {Launch{id, attempt}};
    case Phase::proving: return {Probe{id, attempt}};
    case Phase::reloading: return {Reload{id, attempt, member.master()}};
    case Phase::terminating:
    case Phase::killing: return {SignalMaster{id, member.master()}};
    case Phase::draining: return {Drain{id, attempt}};
    case Phase::sweeping: return {Sweep{id, attempt}};
    case Phase::clearing: return {ClearListeners{id, attempt}};
    case Phase::stopped:
    case Phase::queued:
    case Phase::running:
    case Phase::leaving:
    case Phase::backoff:
    case Phase::failed: return {};
  }
  return {};
}

/// Plays the part of the shell, on a host where nothing goes wrong.
class Stage {
 public:
  Stage(const Fleet& fleet, Instant now) : fleet_(fleet), now_(now) {
    for (const auto& [operation, id] : fleet_.errands()) begun_.push_back(Errand{operation, id, model::Action::check, {}});
    for (const Machine* member : fleet_.members()) {
      // A check that waits in line is passed on when its turn comes.
      if (fleet_.waits_for_check(*member)) continue;
      for (Action& action : under_way(*member)) begun_.push_back(std::move(action));
    }
  }

  Rehearsal play(const Requested& request) {
    std::size_t left = kMost + kMostPerMember * fleet_.members().size();
    handle(request);
    for (; !begun_.empty() && left > 0; --left) {
      Action action = std::move(begun_.front());
      begun_.pop_front();
      std::visit([this](const auto& each) { answer(each); }, action);
    }
    rehearsal_.complete = left > 0;
    return std::move(rehearsal_);
  }

 private:
  void handle(const Event& event) {
    for (Action& action : fleet_.handle(event, now_)) {
      if (auto* progress = std::get_if<Progress>(&action); progress && progress->operation == kRehearsed)
        rehearsal_.steps.push_back({progress->id, std::move(progress->step)});
      else if (auto* concluded = std::get_if<Concluded>(&action); concluded && concluded->operation == kRehearsed)
        rehearsal_.conclusions.push_back(std::move(*concluded));
      else
        begun_.push_back(std::move(action));
    }
  }

  void succeed(const MemberId& id, AttemptId attempt, Input with) {
    handle(Happened{.id = id, .input = with, .attempt = attempt});
  }

  void answer(const FindMaster& a) { succeed(a.id, a.attempt, Input::absent); }
  void answer(const Check& a) { succeed(a.id, a.attempt, Input::checked); }
  void answer(const Guard& a) { succeed(a.id, a.attempt, Input::checked); }
  void answer(const Launch& a) { succeed(a.id, a.attempt, Input::launched); }
  void answer(const Reload& a) { succeed(a.id, a.attempt, Input::reloaded); }
  void answer(const ClearListeners& a) { succeed(a.id, a.attempt, Input::cleared); }
  void answer(const Sweep& a) { succeed(a.id, a.attempt, Input::swept); }
  void answer(const Drain& a) { succeed(a.id, a.attempt, Input::drained); }
  void answer(const Probe& a) {
    const Machine* member = fleet_.find(a.id);
    if (member && !member->pid())
      handle(Happened{.id = a.id, .input = Input::proven, .attempt = a.attempt, .pid = kSomePid});
    succeed(a.id, a.attempt, Input::ready);
  }
  void answer(const SignalMaster& a) {
    Exit exit{
        .cause = model::ExitCause::requested, .signal = a.kill ? SIGKILL : SIGTERM, .signal_name = {}, .status = {}};
    handle(Happened{.id = a.id, .input = Input::died, .attempt = a.master, .exit = std::move(exit)});
  }
  void answer(const Errand& a) { handle(ErrandDone{a.operation, a.id, model::Outcome::done, ""}); }
  /// What nobody waits for.
  template <typename Other>
  void answer(const Other&) {}

  Fleet fleet_;
  Instant now_;
  std::deque<Action> begun_;
  Rehearsal rehearsal_;
};

}  // namespace

Rehearsal rehearse(const Fleet& fleet, Requested request, Instant now) {
  request.operation = kRehearsed;
  return Stage(fleet, now).play(request);
}

}  // namespace postmultid::supervision
