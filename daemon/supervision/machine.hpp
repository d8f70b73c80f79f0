// One member's life. machine_table.hpp shows the behaviour; this class takes the steps.
//
// What a member does (its phase) is one thing, what is wished for it another: `desired` is remembered whatever the
// phase, and every way through the machine ends by looking at it again. So a stop during a start is never lost, and
// neither is a start during a stop.
//
// A master may exist from `launching` on. Whatever leads away from there goes through the end of that master, by
// signal and with evidence (sweeping), or through its adoption: never two masters for one queue directory.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "supervision/events.hpp"
#include "supervision/health.hpp"
#include "supervision/policy.hpp"

namespace postmultid::supervision {

class Machine;

/// What a machine may use of its surroundings while it takes a step.
struct Context {
  Instant now;
  std::vector<Action>& actions;
  std::uint64_t& last_attempt;
  std::minstd_rand& random;
  std::vector<const Machine*> touched;  // that are perhaps not as they were

  AttemptId next_attempt() { return AttemptId{++last_attempt}; }
  double chance() { return static_cast<double>(random() - random.min()) / (random.max() - random.min() + 1.0); }
};

class Machine {
  using Outcome = model::Outcome;

 public:
  explicit Machine(MemberSpec spec, Instant now, model::Mode mode = model::Mode::manage)
      : spec_(std::move(spec)), observing_(mode == model::Mode::observe), changed_at_(now) {}

  /// The first look. Without it the member stays unknown. `remembered`: what an earlier daemon knew of it.
  void open(std::optional<Remembered> remembered, Context& context);

  /// What the next daemon has to know.
  Remembered memory() const;

  /// New words from the inventory about the same member.
  void respecify(MemberSpec spec, Context& context);

  /// A wish. An unfinished operation with another wish for this member ends as superseded; one with the same is joined.
  void wish(Input want, std::optional<OperationId> operation, Context& context,
            const model::OperationOptions& how = {});

  /// Read the files again. That is no wish about up or down, and an operation of its own.
  void reload(OperationId operation, Context& context);

  /// Gives up what this operation wants, if nothing was done for it yet; else it goes on to its end.
  void cancel(OperationId operation, Context& context);

  /// Anything else. False if the input was stale or impossible here (and nothing was done).
  bool take(const Happened& happened, Context& context);

  /// What a look at its master showed. False if that was another life.
  bool looked(const Looked& look, Context& context);

  /// What it runs was replaced on the disk. True if it is to be restarted for that.
  bool upgraded(Context& context);

  /// From now on it is only seen. What was being done to it is given up, and it is looked at anew.
  void observe(Context& context);

  /// From now on it is supervised: what runs is kept, and what is enabled and does not run is to be started.
  void manage(Context& context);

  /// Ends the operation's interest in this member; the wish stays.
  void conclude(Outcome outcome, const std::string& message, Context& context);

  /// What became known later about the end of a master. False if that is not remembered any more.
  bool learn(const Explained& explained, Context& context);

  /// All members are to end, which is no wish about this one: what was wished is remembered.
  void shut_down(Context& context);

  /// Nobody will ask for it any more: what it still waits for is given up.
  void let_go(Context& context);

  /// Makes the failure history clean.
  void reset_failed(Context& context);

  // ---- what can be seen from outside

  const MemberSpec& spec() const { return spec_; }
  Phase phase() const { return phase_; }
  model::State state() const;
  model::Desired desired() const { return desired_; }
  Instant changed_at() const { return changed_at_; }
  std::uint64_t restarts() const { return restarts_; }
  const std::optional<Fault>& fault() const { return fault_; }
  const std::optional<Instant>& next_at() const { return next_at_; }
  /// Whether an operation waits for the current wish; reloads have operations of their own.
  bool asked() const { return !operations_.empty(); }
  /// Somebody waits for that operation's end here, or it was left by an earlier daemon and is gone on with.
  bool works_for(OperationId operation) const;
  const std::optional<Exit>& last_exit() const { return last_exit_; }
  Instant exited_at() const { return exited_at_; }
  /// Of the life that runs now.
  const HealthRecord& health() const { return health_; }
  /// The last few, the oldest first.
  const std::deque<Failure>& past_failures() const { return past_failures_; }
  /// Whether it may start although one before it, which it needs, has failed.
  bool unheld() const { return unheld_; }
  /// Of the work and the timer of its phase.
  AttemptId attempt() const { return attempt_; }
  int pid() const { return master_ ? master_->pid : 0; }
  /// Under which its master was reported.
  AttemptId master() const { return master_ ? master_->id : AttemptId::none; }
  bool stopped_outside() const { return stopped_outside_; }
  /// It was stopped by a request that keeps in mind that it is wanted up; one of the same kind starts it again.
  bool suspended() const { return suspended_; }
  /// It runs programs that are not on the disk any more.
  bool outdated() const { return outdated_ && master_.has_value(); }

  /// Nothing is being done to it, and nothing is about to be.
  bool quiet() const { return phase_ == Phase::running || at_rest(); }
  bool running() const {
    return phase_ == Phase::running || phase_ == Phase::guarding || phase_ == Phase::vetting ||
           phase_ == Phase::reloading;
  }
  bool at_rest() const { return phase_ == Phase::stopped || phase_ == Phase::failed; }
  /// On its first way up since it was asked for: others in the order wait for the end of that.
  bool rising() const { return !risen_ && !at_rest() && (desired_ == model::Desired::up || bounce_); }
  /// Being stopped, or about to be: members before it in the order wait for the end of that.
  bool falling() const;

 private:
  struct Master {
    AttemptId id;
    int pid;
    std::optional<Instant> ready_since;
  };

  void step(Step step, const Happened& happened, Context& context);
  void enter(Phase phase, Context& context);
  void enter_with_deadline(Phase phase, Duration limit, Context& context);
  void retire(Context& context);
  void arm(Instant at, Context& context);
  template <typename Work>
  void begin(Phase phase, Duration limit, Work work, Context& context);

  void recall(Remembered remembered);
  void resume(const Happened& happened, Context& context);
  void clear(Context& context);
  void queue(Context& context);
  std::optional<Duration> look_again_after() const;
  void wind_down(Context& context);
  void heal_by_policy(Context& context);
  void rest(Context& context);
  void run(Context& context);
  void stay_running(Context& context);
  void refuse(const Fault& fault, Context& context);
  void refuse_reload(const Fault& fault, Context& context);
  void no_reload(Context& context);
  void end_reload(Outcome outcome, const std::string& message, Context& context);
  void abort(Context& context);
  std::string life(int pid) const;
  void withdraw(Context& context);
  void fail_start(Fault fault, Context& context);
  void after_failed_start(Context& context);
  void remember(const char* what, Context& context);
  void remember_death(const char* what, const Happened& happened, Context& context);
  std::string how_it_died(const Failure& failure) const;
  void undo_start(const Happened& happened, Context& context);
  void drain(Context& context);
  void sweep(bool force, Context& context);
  void settle(const Happened& happened, Context& context);
  void by_policy(Context& context);
  void park(Fault fault, std::optional<Duration> again_after, Context& context);
  void launch(Context& context);
  void crashed(const Happened& happened, Context& context);
  void lost(const Happened& happened, Context& context);
  void note_death(const Happened& happened, Context& context);
  void look_anew(Context& context);
  void watch_survivors(Context& context);
  void note_exit(const Happened& happened, Context& context);
  void record(std::string what, std::string message, Context& context) const;

  MemberSpec spec_;
  bool observing_ = false;
  Phase phase_ = Phase::unknown;
  model::Desired desired_ = model::Desired::down;
  bool wished_ = false;     // somebody said so; else `enabled` decides
  bool bounce_ = false;     // stop, then start again
  bool bounced_ = false;    // ... and it is down already
  bool aborting_ = false;   // stop at once
  bool draining_ = false;   // stop when what is under way is done
  bool suspended_ = false;  // down, and in mind that it is wanted up
  Duration drain_limit_{};
  bool unheld_ = false;            // somebody said --no-hold, for this start
  bool accept_new_queue_ = false;  // ... and that its queue may be on another file system
  bool sighted_ = false;           // looking because somebody else seems to have started it
  bool ended_outside_ = false;     // somebody else has stopped it; what it left is swept
  bool risen_ = true;              // the current wish to be up has been answered: running, or a first failure
  bool full_check_ = true;         // the next start goes through `postfix check`
  bool checked_ = false;           // ... which the guard has just done
  bool touched_ = false;           // a master of ours or an adopted one existed: there may be something to sweep
  bool forced_ = false;            // the sweep uses SIGKILL already
  bool swept_whole_ = true;        // ... and is about the whole instance
  bool stopped_outside_ = false;
  bool outdated_ = false;  // this life's programs were replaced
  bool failing_ = false;   // after the sweep: policy

  bool was_down_ = false;               // an earlier daemon has seen it down, as it was wished
  bool lost_ = false;                   // ... or has left a master that it has not seen end
  bool ending_ = false;                 // ... which it had told to end, to start another
  std::optional<model::Desired> kept_;  // what was wished when all was told to end

  AttemptId attempt_ = AttemptId::none;  // of the work and timer of this phase
  bool working_ = false, timed_ = false;

  std::optional<Master> master_;
  int last_pid_ = 0;
  Duration ready_for_{};
  std::optional<Fault> fault_;
  std::optional<Instant> next_at_;
  std::vector<OperationId> operations_, reloads_;  // that wait for the same; bounded
  std::optional<Input> wish_;                      // that they are about
  model::Desired desired_before_ = model::Desired::down;
  bool reload_again_ = false;  // when it is ready
  std::optional<Exit> last_exit_;
  Instant exited_at_{};
  Instant changed_at_;
  FailureHistory history_;
  HealthRecord health_;
  std::optional<Instant> heal_at_;  // it is to be restarted for its health, then or at the first look after; far: never
  std::deque<Failure> past_failures_;
  std::uint64_t restarts_ = 0;
};

}  // namespace postmultid::supervision
