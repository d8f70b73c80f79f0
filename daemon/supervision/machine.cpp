#include "supervision/machine.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace postmultid::supervision {

using model::Desired;
using model::ExitCause;
using model::FailureClass;
using model::Outcome;
using model::State;

namespace {

using std::chrono::seconds;

// Looking at /proc and at one lock takes microseconds; these limits only end what a hung file system would not.
constexpr Duration kFindLimit = seconds(10);
constexpr Duration kClearLimit = seconds(5);
// After SIGKILL only the kernel can still hold a process.
constexpr Duration kKillLimit = seconds(5);
// An abort is for somebody who does not want to wait.
constexpr Duration kAbortGrace = seconds(1);
// What could not be ended is looked at again: a wish to stop is never given up.
constexpr Duration kStuckRetry = seconds(60);
// An unreadable or refused configuration is looked at again by itself now and then, whatever the policy says.
constexpr Duration kConfigRetry = std::chrono::minutes(10);

// What is missing around a member is looked for by itself as well: an event may be lost, free space sends none.
constexpr Duration kEnvironmentRetry = seconds(60);
constexpr Duration kSpaceRetry = seconds(15);
// Postfix lets its daemons take hours for one session; who wants more than this says so.
constexpr Duration kDrainLimit = std::chrono::minutes(10);

// More requests for one and the same thing than this are not people.
constexpr std::size_t kMostWaiting = 64;
// A reload verifies for some seconds that the master lives; this only ends one that hangs.
constexpr Duration kReloadLimit = seconds(60);

const Fault kCheckTimeout{FailureClass::environment, "check-timeout", "postfix check did not end within start_timeout",
                          ""};

State state_of(Phase phase) {
  switch (phase) {
    case Phase::unknown: return State::unknown;
    case Phase::stopped: return State::stopped;
    case Phase::queued: return State::waiting;
    case Phase::finding:
    case Phase::checking:
    case Phase::launching:
    case Phase::proving:
    case Phase::clearing: return State::starting;
    case Phase::running:
    case Phase::guarding:
    case Phase::leaving: return State::running;
    case Phase::vetting:
    case Phase::reloading: return State::reloading;
    case Phase::terminating:
    case Phase::killing:
    case Phase::sweeping: return State::stopping;
    case Phase::draining: return State::draining;
    case Phase::backoff: return State::backoff;
    case Phase::failed: return State::failed;
  }
  return State::unknown;
}

/// When what a start was refused for is looked at again, if nothing says earlier that it has changed.
Duration retry_after(const Fault& fault) {
  if (fault.missing == model::Missing::nothing) return kConfigRetry;
  return fault.missing == model::Missing::space ? kSpaceRetry : kEnvironmentRetry;
}

// What people look back at.
constexpr std::size_t kMostFailures = 5;

const char kMasterDied[] = "master-died";

const Exit kLost{.words = "was lost"};

std::string in_milliseconds(Duration duration) { return std::to_string(duration.count()) + " ms"; }

/// A master that ends by SIGTERM or with status 0 was asked to, by us or by somebody else; every other end is a crash.
Input meaning(const Exit& exit) { return exit.signal == SIGTERM || exit.status == 0 ? Input::quit : Input::died; }

Input meaning(const Happened& happened) {
  return happened.input == Input::died && happened.exit ? meaning(*happened.exit) : happened.input;
}

std::string describe(const Exit& exit) {
  if (!exit.words.empty()) return exit.words;
  if (exit.cause == ExitCause::oom) return "was killed by the OOM killer";
  if (exit.signal) return "was killed by " + exit.signal_name + (exit.core_dumped ? " and left a core dump" : "");
  if (exit.status) return "exited with status " + std::to_string(*exit.status);
  return "ended, cause not known";
}

}  // namespace

// ---- the ways in

void Machine::open(std::optional<Remembered> remembered, Context& context) {
  context.touched.push_back(this);
  desired_ = spec_.enabled ? Desired::up : Desired::down;
  risen_ = observing_;
  if (remembered) recall(std::move(*remembered));
  if (spec_.broken && !spec_.examinable)
    take({.id = spec_.id, .input = Input::broken}, context);
  else
    look_anew(context);
}

void Machine::look_anew(Context& context) {
  begin(Phase::unknown, kFindLimit, FindMaster{.id = {}, .attempt = {}, .lost = lost_ ? last_pid_ : 0}, context);
}

void Machine::observe(Context& context) {
  context.touched.push_back(this);
  observing_ = true;
  conclude(Outcome::cancelled, "postmultid only observes now", context);
  end_reload(Outcome::cancelled, "postmultid only observes now", context);
  heal_at_.reset();
  suspended_ = false;
  bool rests = at_rest() && !working_ && !timed_;
  if (running() || phase_ == Phase::leaving) return stay_running(context);
  if (rests) return;
  bounce_ = bounced_ = aborting_ = draining_ = false;
  unheld_ = accept_new_queue_ = sighted_ = checked_ = failing_ = false;
  risen_ = true;
  // A master that was being started or ended may live: whatever comes next begins with a look at it.
  master_.reset();
  touched_ = false;
  look_anew(context);
}

void Machine::manage(Context& context) {
  context.touched.push_back(this);
  observing_ = false;
  wished_ = false;
  history_.clear();
  desired_ = running() || spec_.enabled ? Desired::up : Desired::down;
  if (running()) return watch_survivors(context);
  risen_ = false;
  // What a look that is under way finds was asked for by who does nothing about it.
  if (!at_rest()) return look_anew(context);
  if (desired_ == Desired::up) return queue(context);
  risen_ = true;
}

void Machine::watch_survivors(Context& context) {
  if (spec_.companion || observing_) return;
  context.actions.push_back(EndSurvivors{spec_.id, master_->id, context.now + spec_.policy.orphan_grace});
}

void Machine::recall(Remembered remembered) {
  // Whoever has enabled or disabled it since is heard, if nobody has said more than that.
  if (remembered.wished || remembered.enabled == spec_.enabled) desired_ = remembered.desired;
  wished_ = remembered.wished;
  was_down_ = remembered.stopped && desired_ == Desired::down;
  stopped_outside_ = ended_outside_ = remembered.stopped_outside && desired_ == Desired::down;
  touched_ = remembered.touched;
  lost_ = remembered.alive;
  ending_ = remembered.ending && desired_ == Desired::up;
  last_pid_ = remembered.master;
  suspended_ = remembered.suspended && desired_ == Desired::down;
  draining_ = remembered.drain.has_value() && desired_ == Desired::down;
  drain_limit_ = remembered.drain.value_or(drain_limit_);
  restarts_ = remembered.restarts;
  history_ = FailureHistory(remembered.streak, std::move(remembered.restarted_at));
  last_exit_ = std::move(remembered.last_exit);
  exited_at_ = remembered.exited_at;
  past_failures_ = std::move(remembered.failures);
  operations_ = std::move(remembered.operations);
  if (!operations_.empty()) wish_ = desired_ == Desired::up ? Input::want_up : Input::want_down;
}

Remembered Machine::memory() const {
  Remembered m;
  m.desired = kept_.value_or(desired_);
  m.wished = wished_;
  m.enabled = spec_.enabled;
  m.stopped = phase_ == Phase::stopped || (phase_ == Phase::unknown && was_down_);
  m.touched = touched_;
  bool unknown_yet = phase_ == Phase::launching || phase_ == Phase::proving;
  m.master = master_ ? master_->pid : unknown_yet ? 0 : last_pid_;
  m.alive = master_.has_value() || unknown_yet || lost_;
  m.ending = master_ && (phase_ == Phase::terminating || phase_ == Phase::killing);
  m.suspended = suspended_;
  if (draining_ && !kept_) m.drain = drain_limit_;
  m.stopped_outside = stopped_outside_;
  m.restarts = restarts_;
  m.streak = history_.streak();
  m.restarted_at = history_.restarts();
  m.last_exit = last_exit_;
  m.exited_at = exited_at_;
  m.failures = past_failures_;
  // A restart that has not begun is not gone on with: nobody could tell whether it was.
  if (!bounce_ && !kept_) m.operations = operations_;
  return m;
}

void Machine::shut_down(Context& context) {
  kept_ = desired_;
  bool wished = wished_, suspended = suspended_;
  wish(Input::want_down, std::nullopt, context);
  wished_ = wished;
  suspended_ = suspended;
}

void Machine::respecify(MemberSpec spec, Context& context) {
  context.touched.push_back(this);
  bool was_broken = spec_.broken.has_value();
  spec_ = std::move(spec);
  if (!wished_ && was_broken && !spec_.broken) desired_ = spec_.enabled ? Desired::up : Desired::down;
  if (spec_.broken)
    take({.id = spec_.id, .input = Input::broken}, context);
  else if (was_broken)
    take({.id = spec_.id, .input = Input::mended}, context);
}

void Machine::wish(Input want, std::optional<OperationId> operation, Context& context,
                   const model::OperationOptions& how) {
  context.touched.push_back(this);
  if (wish_ != want || operations_.size() >= kMostWaiting) conclude(Outcome::superseded, "by a later request", context);
  if (operations_.empty()) desired_before_ = desired_;
  wish_ = want;
  if (operation) operations_.push_back(*operation);
  wished_ = true;
  suspended_ = how.keep_desired && want == Input::want_down && (suspended_ || desired_ == Desired::up);
  bool up = want == Input::want_up || want == Input::want_bounce;
  if (want == Input::want_bounce || (up && !running())) {
    risen_ = false;
    history_.clear();
  }
  desired_ = up ? Desired::up : Desired::down;
  bounce_ = want == Input::want_bounce && (running() || phase_ == Phase::leaving || bounce_);
  aborting_ = want == Input::want_abort;
  draining_ = want == Input::want_drain;
  drain_limit_ = how.deadline.value_or(std::chrono::duration_cast<seconds>(kDrainLimit));
  unheld_ = !how.hold;
  accept_new_queue_ = how.accept_new_queue;
  sighted_ = was_down_ = false;
  take({.id = spec_.id, .input = want}, context);
}

void Machine::reload(OperationId operation, Context& context) {
  if (reloads_.size() >= kMostWaiting) end_reload(Outcome::superseded, "by a later request", context);
  reloads_.push_back(operation);
  take({.id = spec_.id, .input = Input::want_reload}, context);
}

void Machine::cancel(OperationId operation, Context& context) {
  context.touched.push_back(this);
  // Somebody else who wants the same goes on wanting it.
  auto leave = [&](std::vector<OperationId>& waiting) {
    if (waiting.size() < 2 || std::erase(waiting, operation) == 0) return false;
    context.actions.push_back(Concluded{operation, spec_.id, Outcome::cancelled, "others want the same"});
    return true;
  };
  if (leave(operations_) || leave(reloads_)) return;
  const std::string nothing_done = "nothing had been done to it yet";
  if (reloads_ == std::vector{operation} && phase_ == Phase::vetting) {
    stay_running(context);
    return end_reload(Outcome::cancelled, nothing_done, context);
  }
  if (operations_ != std::vector{operation}) return;
  if (phase_ == Phase::leaving || phase_ == Phase::guarding) {
    conclude(Outcome::cancelled, nothing_done, context);
    desired_ = Desired::up;
    return stay_running(context);
  }
  if (phase_ == Phase::queued && !bounced_) {
    conclude(Outcome::cancelled, nothing_done, context);
    desired_ = desired_before_;
    if (desired_ == Desired::down) rest(context);
  }
}

bool Machine::take(const Happened& happened, Context& context) {
  context.touched.push_back(this);
  switch (happened.input) {
    case Input::present:
    case Input::absent:
    case Input::foreign:
    case Input::checked:
    case Input::check_failed:
    case Input::launched:
    case Input::launch_failed:
    case Input::proven:
    case Input::ready:
    case Input::not_ready:
    case Input::reloaded:
    case Input::not_reloaded:
    case Input::cleared:
    case Input::drained:
    case Input::swept:
    case Input::expired:
      if (happened.attempt != attempt_) return false;
      break;
    case Input::relieved:
      if (happened.attempt != AttemptId::none && happened.attempt != attempt_) return false;
      break;
    case Input::died:
      if (!master_ || happened.attempt != master_->id) return false;
      break;
    default: break;
  }
  const MachineTable& table = observing_ ? kObserverTable : kMachineTable;
  Step next = table[index(phase_)][index(meaning(happened))];
  if (next == Step::impossible) return false;
  step(next, happened, context);
  return true;
}

bool Machine::looked(const Looked& look, Context& context) {
  if (!master_ || look.master != master_->id) return false;
  model::Health before = health_.health();
  health_.look(look.checks);
  model::Health now = health_.health();
  if (now == model::Health::degraded && before != now) record("degraded", health_.complaint(), context);
  if (now == model::Health::ok && before == model::Health::degraded) record("healthy", "all checks are good", context);
  heal_by_policy(context);
  return true;
}

/// A restart for health is one of those that the policy counts. One that it forbids now is thought of again later.
void Machine::heal_by_policy(Context& context) {
  bool no_restart = observing_ || spec_.policy.on_unhealthy != UnhealthyRule::restart;
  if (no_restart || !health_.curable()) return heal_at_.reset();
  if (phase_ != Phase::running || desired_ == Desired::down) return;
  if (!heal_at_) {
    auto ready_for = std::chrono::duration_cast<Duration>(context.now - master_->ready_since.value_or(context.now));
    Verdict verdict = history_.fail(spec_.policy, context.now, ready_for, context.chance());
    heal_at_ = verdict.after ? context.now + *verdict.after : Instant::max();
    if (verdict.give_up) record("unhealthy", "is left as it is: its policy allows no restart now", context);
  }
  if (context.now < *heal_at_) return;
  heal_at_.reset();
  record("unhealthy", "is restarted: " + health_.complaint(), context);
  take({.id = spec_.id, .input = Input::unhealthy}, context);
}

bool Machine::upgraded(Context& context) {
  if (!running()) return false;
  // Said once; asked for again each time: what a restart was refused for may be mended by the next upgrade.
  if (!std::exchange(outdated_, true))
    record("upgraded", "its programs were replaced on the disk while it runs", context);
  return !observing_ && desired_ == Desired::up && spec_.policy.on_upgrade == UpgradeRule::rolling_restart;
}

bool Machine::works_for(OperationId operation) const {
  return std::ranges::find(operations_, operation) != operations_.end();
}

void Machine::conclude(Outcome outcome, const std::string& message, Context& context) {
  for (OperationId operation : operations_) context.actions.push_back(Concluded{operation, spec_.id, outcome, message});
  operations_.clear();
  wish_.reset();
}

void Machine::end_reload(Outcome outcome, const std::string& message, Context& context) {
  reload_again_ = false;
  for (OperationId operation : reloads_) context.actions.push_back(Concluded{operation, spec_.id, outcome, message});
  reloads_.clear();
}

void Machine::let_go(Context& context) { retire(context); }

void Machine::reset_failed(Context& context) {
  history_.clear();
  past_failures_.clear();
  record("reset-failed", "failure history is clean", context);
}

State Machine::state() const { return state_of(phase_); }

std::string Machine::life(int pid) const {
  if (spec_.wording) return spec_.wording->life;
  return (spec_.companion ? "process " : "master ") + std::to_string(pid);
}

bool Machine::falling() const {
  bool must_end = desired_ == Desired::down || bounce_;
  return must_end && !at_rest() && phase_ != Phase::queued && phase_ != Phase::unknown;
}

// ---- phases, work and timers

void Machine::retire(Context& context) {
  if (working_) context.actions.push_back(Abandon{spec_.id, attempt_});
  if (timed_) context.actions.push_back(CancelTimer{spec_.id, attempt_});
  working_ = timed_ = false;
  attempt_ = AttemptId::none;
}

void Machine::enter(Phase phase, Context& context) {
  retire(context);
  State before = state();
  phase_ = phase;
  attempt_ = context.next_attempt();
  next_at_.reset();
  // A reload is no interruption: it runs since it was started.
  if (state() != before && !(model::is_up(state()) && model::is_up(before))) changed_at_ = context.now;
  if (state() != before) context.actions.push_back(Entered{spec_.id, before, state()});
  bool reload_goes_on = (running() && phase != Phase::guarding) || phase == Phase::launching || phase == Phase::proving;
  if (!reload_goes_on) end_reload(Outcome::superseded, "it is being stopped or started", context);
  for (const auto* waiting : {&operations_, &reloads_})
    for (OperationId operation : *waiting) context.actions.push_back(Progress{operation, spec_.id, name(phase)});
}

void Machine::arm(Instant at, Context& context) {
  timed_ = true;
  context.actions.push_back(ArmTimer{spec_.id, attempt_, at});
}

void Machine::enter_with_deadline(Phase phase, Duration limit, Context& context) {
  enter(phase, context);
  arm(context.now + limit, context);
}

template <typename Work>
void Machine::begin(Phase phase, Duration limit, Work work, Context& context) {
  enter_with_deadline(phase, limit, context);
  working_ = true;
  work.id = spec_.id;
  work.attempt = attempt_;
  context.actions.push_back(work);
}

void Machine::record(std::string what, std::string message, Context& context) const {
  context.actions.push_back(Record{spec_.id, std::move(what), std::move(message)});
}

// ---- the steps

void Machine::step(Step step, const Happened& happened, Context& context) {
  bool answer = happened.input != Input::died && happened.input != Input::proven && happened.attempt != AttemptId::none;
  if (answer && happened.input == Input::expired)
    timed_ = false;
  else if (answer)
    working_ = false;

  switch (step) {
    case Step::impossible:
    case Step::stay:
      if (happened.input == Input::died) note_exit(happened, context);
      return;
    case Step::already: return conclude(Outcome::unchanged, "", context);

    case Step::queue: return desired_ == Desired::down ? wind_down(context) : queue(context);
    case Step::wind_down: return wind_down(context);

    case Step::look: return begin(Phase::finding, kFindLimit, FindMaster{}, context);
    case Step::adopt:
      master_ = Master{happened.attempt, happened.pid, context.now};
      touched_ = true;
      // Somebody started it, enabled or not; but what an earlier daemon was still to stop is stopped.
      if (!kept_ && (!wished_ || sighted_ || was_down_ || observing_)) desired_ = Desired::up;
      was_down_ = lost_ = false;
      record("adopted", life(happened.pid) + (sighted_ ? " was started outside postmultid" : " was running already"),
             context);
      if (std::exchange(ending_, false)) {
        bounce_ = true;
        return enter(Phase::leaving, context);
      }
      return run(context);
    case Step::prepare:
      if (desired_ == Desired::down) {
        bool outside = sighted_ && stopped_outside_;
        conclude(Outcome::unchanged, "", context);
        rest(context);
        stopped_outside_ = outside;
        return;
      }
      // Not there any more: its turn is as it was.
      if (std::exchange(sighted_, false)) return queue(context);
      if (spec_.broken) return park(*spec_.broken, kConfigRetry, context);
      if (full_check_ && !checked_)
        return begin(Phase::checking, spec_.policy.start_timeout,
                     Check{.id = {}, .attempt = {}, .accept_new_queue = accept_new_queue_}, context);
      return launch(context);
    case Step::launch: return launch(context);
    case Step::give_up_looking:
      return park({FailureClass::environment, "not-examined",
                   "its files could not be examined within 10 s: is a file system hanging?", ""},
                  look_again_after(), context);
    case Step::blocked:
      fault_ = happened.fault.value_or(Fault{});
      remember("blocked", context);
      return park(*fault_, look_again_after(), context);

    case Step::prove:
      // The probe ends first and says what is missing; the timer is for a probe that hangs.
      return begin(Phase::proving, spec_.policy.start_timeout + kFindLimit,
                   Probe{.id = {}, .attempt = {}, .limit = spec_.policy.start_timeout}, context);
    case Step::note_master:
      master_ = Master{happened.attempt, happened.pid, std::nullopt};
      return desired_ == Desired::down ? withdraw(context) : void();
    case Step::withdraw: return withdraw(context);
    case Step::run: return run(context);

    case Step::reject: {
      fault_ = happened.fault.value_or(kCheckTimeout);
      remember("check-failed", context);
      return park(*fault_, retry_after(*fault_), context);
    }
    case Step::retry_launch: return fail_start(happened.fault.value_or(Fault{}), context);
    case Step::undo_start: return undo_start(happened, context);
    case Step::park_unreadable:
      // Its master may live all the same: whoever looks for it now will say.
      if (phase_ == Phase::unknown && working_ && spec_.examinable) return;
      return park(spec_.broken.value_or(Fault{}), desired_ == Desired::up ? std::optional(kConfigRetry) : std::nullopt,
                  context);

    case Step::heal:
      bounce_ = true;
      ++restarts_;
      [[fallthrough]];
    case Step::guard:
      if (spec_.broken) return refuse(*spec_.broken, context);
      return begin(Phase::guarding, spec_.policy.start_timeout,
                   Guard{.id = {}, .attempt = {}, .restart = true, .accept_new_queue = accept_new_queue_}, context);
    case Step::vet:
      if (spec_.broken) return refuse_reload(*spec_.broken, context);
      return begin(Phase::vetting, spec_.policy.start_timeout, Guard{.id = {}, .attempt = {}}, context);
    case Step::reload:
      return begin(Phase::reloading, kReloadLimit, Reload{.id = {}, .attempt = {}, .master = master_->id}, context);
    case Step::note_reloaded: {
      bool again = reload_again_;
      record("reloaded", "master " + std::to_string(pid()) + " has read its files again", context);
      stay_running(context);
      if (!again) return end_reload(Outcome::done, "", context);
      take({.id = spec_.id, .input = Input::want_reload}, context);
      return;
    }
    case Step::reload_failed:
      return refuse_reload(happened.fault.value_or(Fault{FailureClass::environment, "reload-timeout",
                                                         "the reload did not end within 60 s", ""}),
                           context);
    case Step::refuse_reload: return refuse_reload(happened.fault.value_or(kCheckTimeout), context);
    case Step::reload_later: reload_again_ = true; return;
    case Step::no_reload: return no_reload(context);
    case Step::passed: checked_ = true; return enter(Phase::leaving, context);
    case Step::refuse: return refuse(happened.fault.value_or(kCheckTimeout), context);
    case Step::unguard: stay_running(context); return conclude(Outcome::unchanged, "", context);

    case Step::leave: return enter(Phase::leaving, context);
    case Step::abort: return abort(context);
    case Step::sweep_now:
      if (!forced_) sweep(true, context);
      return;
    case Step::terminate:
      if (draining_ && master_) {
        // As `postfix drain` does it: without its master every process finishes what it is at, and takes nothing new.
        enter_with_deadline(Phase::killing, kKillLimit, context);
        context.actions.push_back(SignalMaster{spec_.id, master_->id, true});
        return;
      }
      enter_with_deadline(Phase::terminating, spec_.policy.stop_timeout, context);
      if (!master_) return sweep(false, context);
      context.actions.push_back(SignalMaster{spec_.id, master_->id, false});
      return;
    case Step::kill:
      record("killing", life(pid()) + " did not end within stop_timeout: SIGKILL", context);
      enter_with_deadline(Phase::killing, kKillLimit, context);
      context.actions.push_back(SignalMaster{spec_.id, master_->id, true});
      return;
    case Step::sweep:
      if (happened.input == Input::died) note_exit(happened, context);
      if (draining_ && (phase_ == Phase::killing || phase_ == Phase::leaving)) return drain(context);
      return sweep(aborting_, context);
    case Step::hurry:
      record("hurried", "what was under way is not done within the drain's deadline: SIGTERM", context);
      return sweep(false, context);
    case Step::sweep_harder:
      if (!forced_) return sweep(true, context);
      [[fallthrough]];
    case Step::stuck: {
      std::string what = phase_ == Phase::killing ? life(pid()) + " did not end after SIGKILL"
                                                  : "processes of this instance did not end after SIGKILL";
      park({FailureClass::environment, "stuck", what + ": is it in uninterruptible sleep?",
            last_pid_ ? "ps -o pid,stat,wchan,cmd -s " + std::to_string(last_pid_) : ""},
           std::nullopt, context);
      next_at_ = context.now + kStuckRetry;
      return arm(*next_at_, context);
    }
    case Step::settle: return settle(happened, context);

    case Step::peek: sighted_ = true; return begin(Phase::finding, kFindLimit, FindMaster{}, context);
    case Step::retry_edited:
      // Whatever was wrong: somebody has done something about it, or thinks so.
      if (desired_ == Desired::up) queue(context);
      return;
    case Step::retry_relieved:
      if (desired_ == Desired::up && fault_ && fault_->missing != model::Missing::nothing) queue(context);
      return;

    case Step::clear: return crashed(happened, context);
    case Step::take_back: return clear(context);
    case Step::note_outside: {
      note_exit(happened, context);
      record("stopped-outside", "somebody else stopped it", context);
      if (observing_) {
        desired_ = Desired::down;
        ended_outside_ = true;
        return rest(context);
      }
      if (bounce_ || spec_.policy.restart == RestartRule::always) return queue(context);
      desired_ = Desired::down;
      ended_outside_ = true;
      // postfix stop ends all of an instance; what another program leaves behind nobody has ended yet.
      return spec_.companion ? sweep(false, context) : rest(context);
    }
    case Step::recover:
      if (happened.survivors)
        record("cleared", std::to_string(happened.survivors) + " processes of the dead master finish their sessions",
               context);
      if (desired_ == Desired::down) return sweep(aborting_, context);
      if (!risen_) return queue(context);  // it was lost before we came, or is wanted again
      if (fault_ && fault_->missing != model::Missing::nothing) return park(*fault_, retry_after(*fault_), context);
      return by_policy(context);
    case Step::again:
      if (!spec_.broken && phase_ == Phase::backoff) ++restarts_;
      if (desired_ == Desired::down && !observing_) return wind_down(context);
      if (spec_.broken) {
        context.actions.push_back(Reread{});
        return park(*spec_.broken, kConfigRetry, context);
      }
      return begin(Phase::finding, kFindLimit, FindMaster{}, context);

    case Step::note_absent: {
      was_down_ = lost_ = false;
      if (spec_.broken) return park(*spec_.broken, kConfigRetry, context);
      // How it came to that is not forgotten by a look that finds nothing new.
      if (fault_ && fault_->code == kMasterDied) return park(*fault_, std::nullopt, context);
      ended_outside_ = stopped_outside_;
      return rest(context);
    }
    case Step::note_lost: return lost(happened, context);
  }
}

/// Nothing runs when we come. What an earlier daemon has seen last may have left something, or have been about to end.
void Machine::resume(const Happened& happened, Context& context) {
  was_down_ = false;
  bool lost = std::exchange(lost_, false), ended = std::exchange(ending_, false);
  if (desired_ == Desired::down) {
    if (!touched_) return rest(context);
    return draining_ ? drain(context) : sweep(aborting_, context);
  }
  bool asked = lost && !ended && happened.exit && meaning(*happened.exit) == Input::quit;
  if (asked && spec_.policy.restart != RestartRule::always) {
    record("stopped-outside", "somebody else stopped it while no postmultid ran", context);
    desired_ = Desired::down;
    ended_outside_ = true;
    return rest(context);
  }
  if (lost)
    record("died", (last_pid_ ? life(last_pid_) : "what was being started") + " ended while no postmultid ran",
           context);
  touched_ ? clear(context) : queue(context);
}

void Machine::queue(Context& context) {
  if (desired_ == Desired::down) return rest(context);
  if (spec_.broken) return park(*spec_.broken, kConfigRetry, context);
  if (at_rest()) full_check_ = true;
  bounced_ = bounce_;
  bounce_ = false;
  ended_outside_ = false;
  stopped_outside_ = false;
  enter(Phase::queued, context);
}

/// When to look again at what could not be seen or proved. A wish to be down is never given up.
std::optional<Duration> Machine::look_again_after() const {
  return desired_ == Desired::down ? std::optional(kStuckRetry) : spec_.policy.retry_failed;
}

/// A wish to be down is true only when somebody has looked: a master may have been started by hand meanwhile.
void Machine::wind_down(Context& context) {
  if (touched_) return sweep(aborting_, context);
  if (spec_.examinable) return begin(Phase::finding, kFindLimit, FindMaster{}, context);
  conclude(Outcome::unchanged, "", context);
  rest(context);
}

void Machine::rest(Context& context) {
  touched_ = false;
  bounce_ = bounced_ = false;
  aborting_ = false;
  draining_ = false;
  unheld_ = accept_new_queue_ = false;
  sighted_ = false;
  failing_ = false;
  checked_ = false;
  full_check_ = true;
  risen_ = true;
  master_.reset();
  fault_.reset();
  stopped_outside_ = std::exchange(ended_outside_, false);
  enter(Phase::stopped, context);
  conclude(Outcome::done, "", context);
}

void Machine::run(Context& context) {
  bool was_leaving = phase_ == Phase::leaving;
  if (!was_leaving) {
    master_->ready_since = context.now;
    health_.clear();
    heal_at_.reset();
    outdated_ = false;
    watch_survivors(context);
    last_pid_ = master_->pid;
    std::string after;
    if (fault_ && fault_->code == kMasterDied)
      after =
          ", " + in_milliseconds(std::chrono::duration_cast<Duration>(context.now - exited_at_)) + " after the death";
    record("running", life(master_->pid) + " is ready" + after, context);
    fault_.reset();
  }
  stopped_outside_ = false;
  if (desired_ == Desired::down) {
    risen_ = true;
    return aborting_ ? abort(context) : enter(Phase::leaving, context);
  }
  bool again = reload_again_;
  stay_running(context);
  conclude(was_leaving ? Outcome::unchanged : Outcome::done, "", context);
  if (again) take({.id = spec_.id, .input = Input::want_reload}, context);
}

void Machine::stay_running(Context& context) {
  bounce_ = bounced_ = false;
  aborting_ = false;
  draining_ = false;
  unheld_ = accept_new_queue_ = false;
  sighted_ = false;
  checked_ = false;
  reload_again_ = false;
  risen_ = true;
  enter(Phase::running, context);
}

void Machine::refuse(const Fault& fault, Context& context) {
  record("refused", fault.message, context);
  stay_running(context);
  conclude(Outcome::refused, fault.message, context);
}

void Machine::refuse_reload(const Fault& fault, Context& context) {
  record("refused", fault.message, context);
  bool refused = fault.kind == FailureClass::config;
  stay_running(context);
  end_reload(refused ? Outcome::refused : Outcome::failed, fault.message, context);
}

/// No master reads files now. Where a start is to come it will read them as they are by then.
void Machine::no_reload(Context& context) {
  if (phase_ == Phase::guarding) return end_reload(Outcome::superseded, "by a restart", context);
  bool to_start = phase_ == Phase::queued || phase_ == Phase::finding || phase_ == Phase::checking || bounce_;
  if (to_start && (desired_ == Desired::up))
    return end_reload(Outcome::unchanged, "is being started, with its files as they are now", context);
  end_reload(Outcome::failed, "is not running", context);
}

void Machine::abort(Context& context) {
  enter_with_deadline(Phase::terminating, std::min(spec_.policy.stop_timeout, kAbortGrace), context);
  if (!master_) return sweep(true, context);
  context.actions.push_back(SignalMaster{spec_.id, master_->id, false});
}

void Machine::fail_start(Fault fault, Context& context) {
  fault_ = std::move(fault);
  record("start-failed", fault_->message, context);
  remember("start-failed", context);
  after_failed_start(context);
}

void Machine::after_failed_start(Context& context) {
  full_check_ = true;
  ready_for_ = Duration::zero();
  conclude(desired_ == Desired::down ? Outcome::done : Outcome::failed, fault_->message, context);
  risen_ = true;
  if (desired_ == Desired::down) return sweep(aborting_, context);
  // To try again before what is missing has come, or with the same files, would only wear out the start limit.
  bool in_vain = fault_->missing != model::Missing::nothing || fault_->kind == FailureClass::config;
  if (in_vain) return park(*fault_, retry_after(*fault_), context);
  by_policy(context);
}

/// What a dead master has left would swallow what is meant for the next one.
void Machine::clear(Context& context) {
  begin(Phase::clearing, kClearLimit, ClearListeners{.id = {}, .attempt = {}, .master_pid = last_pid_}, context);
}

void Machine::launch(Context& context) {
  touched_ = true;
  checked_ = false;
  begin(Phase::launching, spec_.policy.start_timeout,
        Launch{.id = {}, .attempt = {}, .accept_new_queue = accept_new_queue_}, context);
}

void Machine::undo_start(const Happened& happened, Context& context) {
  fault_ = happened.fault.value_or(Fault{
      FailureClass::crash, "start-failed",
      happened.input == Input::expired ? "it was not ready within start_timeout" : "it ended before it was ready", ""});
  full_check_ = true;
  if (happened.input != Input::died && !master_)
    // Nothing that could be signalled with proof: the next try begins with a look at what is there.
    return fail_start(*fault_, context);
  failing_ = true;
  record("start-failed", fault_->message, context);
  if (happened.input == Input::died) {
    note_exit(happened, context);
    remember_death("start-failed", happened, context);
    return sweep(aborting_, context);
  }
  remember("start-failed", context);
  last_pid_ = master_->pid;
  enter_with_deadline(Phase::terminating, spec_.policy.stop_timeout, context);
  context.actions.push_back(SignalMaster{spec_.id, master_->id, false});
}

/// Nobody waits for it to be ready any more. Once it can be signalled with proof it is ended.
void Machine::withdraw(Context& context) {
  if (!master_) return;
  if (aborting_) return abort(context);
  enter_with_deadline(Phase::terminating, spec_.policy.stop_timeout, context);
  context.actions.push_back(SignalMaster{spec_.id, master_->id, false});
}

/// Its master is gone, also one that died before it was killed for this: what its processes are at is finished.
void Machine::drain(Context& context) {
  begin(Phase::draining, drain_limit_, Drain{.id = {}, .attempt = {}, .master_pid = last_pid_}, context);
  next_at_ = context.now + drain_limit_;
}

void Machine::sweep(bool force, Context& context) {
  forced_ = force;
  // A start that failed ends only what it began: the survivors of an earlier crash go on with their sessions.
  swept_whole_ = !failing_ || desired_ == Desired::down;
  Sweep work{.id = {}, .attempt = {}, .force = force, .only_of_master = swept_whole_ ? 0 : last_pid_};
  if (force) record("killing", "left-over processes did not end within stop_grace: SIGKILL", context);
  begin(Phase::sweeping, force ? kKillLimit : spec_.policy.stop_grace, work, context);
}

void Machine::settle(const Happened& happened, Context& context) {
  if (phase_ == Phase::unknown) return resume(happened, context);
  master_.reset();
  if (failing_ && desired_ == Desired::up && !bounce_) {
    failing_ = false;
    return after_failed_start(context);
  }
  failing_ = false;
  if (!swept_whole_) return sweep(aborting_, context);
  const char* evidence = spec_.companion ? "no process left" : "lock free, no process and no listener left";
  record("stopped", spec_.wording ? spec_.wording->stopped : evidence, context);
  queue(context);
}

/// Who only observes says so, and that is all.
void Machine::lost(const Happened& happened, Context& context) {
  note_death(happened, context);
  park(*fault_, std::nullopt, context);
}

void Machine::note_death(const Happened& happened, Context& context) {
  note_exit(happened, context);
  Exit exit = happened.exit.value_or(kLost);
  bool lacks = exit.missing != model::Missing::nothing;
  fault_ = Fault{lacks ? FailureClass::environment : FailureClass::crash, kMasterDied, "", "", exit.missing};
  remember_death("died", happened, context);
  record("died", fault_->message, context);
}

void Machine::crashed(const Happened& happened, Context& context) {
  full_check_ = false;
  checked_ = false;
  bounce_ = false;
  note_death(happened, context);
  if (phase_ == Phase::reloading)
    end_reload(Outcome::failed, "the reload cost its master: " + fault_->message + "; it is started again", context);
  clear(context);
}

void Machine::note_exit(const Happened& happened, Context& context) {
  if (!master_) return;
  ready_for_ = master_->ready_since ? std::chrono::duration_cast<Duration>(context.now - *master_->ready_since)
                                    : Duration::zero();
  last_pid_ = master_->pid;
  last_exit_ = happened.exit.value_or(Exit{});
  exited_at_ = context.now;
  bool asked = phase_ == Phase::terminating || phase_ == Phase::killing;
  if (asked) last_exit_->cause = ExitCause::requested;
  master_.reset();
}

/// Remembers the current fault; the same as last time is counted.
void Machine::remember(const char* what, Context& context) {
  Failure failure{context.now, what, *fault_, AttemptId::none, 0, {}, 1};
  if (!past_failures_.empty()) {
    const Failure& last = past_failures_.back();
    bool same = last.what == what && last.fault.code == fault_->code && last.fault.message == fault_->message;
    if (same) {
      failure.times += last.times;
      past_failures_.pop_back();
    }
  }
  past_failures_.push_back(std::move(failure));
  if (past_failures_.size() > kMostFailures) past_failures_.pop_front();
}

/// The same for the end of a master. What its log has to say comes later: nothing waits for a log.
void Machine::remember_death(const char* what, const Happened& happened, Context& context) {
  Failure failure{context.now, what, *fault_, happened.attempt, last_pid_, happened.exit.value_or(kLost), 1};
  fault_->message = failure.fault.message = how_it_died(failure);
  past_failures_.push_back(failure);
  if (past_failures_.size() > kMostFailures) past_failures_.pop_front();
  context.actions.push_back(Explain{spec_.id, failure.master, failure.exit});
}

std::string Machine::how_it_died(const Failure& failure) const {
  std::string words = life(failure.pid) + " " + describe(failure.exit);
  return failure.fault.message.empty() ? words : words + ": " + failure.fault.message;
}

bool Machine::learn(const Explained& explained, Context& context) {
  auto known = std::find_if(past_failures_.begin(), past_failures_.end(),
                            [&](const Failure& each) { return each.master == explained.master; });
  if (explained.master == AttemptId::none || known == past_failures_.end()) return false;
  context.touched.push_back(this);
  bool still = fault_ && fault_->code == known->fault.code && fault_->message == known->fault.message;
  known->fault.log = explained.fault.log;
  known->fault.last_good = explained.fault.last_good;
  if (!explained.oom && explained.fault.message.empty()) {
    if (still) fault_ = known->fault;
    return true;
  }
  if (explained.oom) {
    known->exit.cause = ExitCause::oom;
    if (last_exit_ && exited_at_ == known->at) last_exit_->cause = ExitCause::oom;
  }
  known->fault.message = explained.fault.message;
  known->fault.message = how_it_died(*known);
  known->fault.hint = explained.fault.hint;
  if (still) fault_ = known->fault;
  record("explained", known->fault.message, context);
  return true;
}

void Machine::by_policy(Context& context) {
  Verdict verdict = history_.fail(spec_.policy, context.now, ready_for_, context.chance());
  Fault fault = fault_.value_or(Fault{});
  if (verdict.give_up) return park(std::move(fault), verdict.after, context);
  if (*verdict.after == Duration::zero()) {
    ++restarts_;
    if (full_check_) return begin(Phase::finding, kFindLimit, FindMaster{}, context);
    return launch(context);
  }
  enter(Phase::backoff, context);
  next_at_ = context.now + *verdict.after;
  arm(*next_at_, context);
  record("backoff", "next try in " + in_milliseconds(*verdict.after), context);
}

void Machine::park(Fault fault, std::optional<Duration> again_after, Context& context) {
  bool refused = fault.kind == FailureClass::config;
  record("failed", fault.message, context);
  fault_ = std::move(fault);
  bounce_ = bounced_ = false;
  aborting_ = draining_ = false;
  unheld_ = accept_new_queue_ = false;
  sighted_ = false;
  checked_ = false;
  failing_ = false;
  full_check_ = true;
  risen_ = true;
  enter(Phase::failed, context);
  bool told = !observing_ && desired_ == Desired::up && (fault_->holder || fault_->missing == model::Missing::answer);
  // An answer is looked for all the time; to try to start meanwhile would only hide why it has failed.
  bool in_vain = told && fault_->missing == model::Missing::answer;
  if (again_after && !in_vain) {
    next_at_ = context.now + *again_after;
    arm(*next_at_, context);
  }
  if (told) {
    working_ = true;
    context.actions.push_back(AwaitRelief{spec_.id, attempt_, fault_->holder});
  }
  conclude(refused ? Outcome::refused : Outcome::failed, fault_->message, context);
}

}  // namespace postmultid::supervision
