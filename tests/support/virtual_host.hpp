// A host in virtual time for tests of the decision core: it carries out the core's actions on make-believe masters,
// answers late, early or not at all as told, and watches the promises that must hold whatever happens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/operation.hpp"
#include "supervision/fleet.hpp"

namespace postmultid::test {

using namespace supervision;
using model::Outcome;
using model::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How one make-believe instance behaves.
struct Behaviour {
  bool check_ok = true, launch_ok = true, ready = true;
  bool reload_ok = true, reload_kills = false;
  bool answers = true;                               // false: work never ends by itself
  bool heeds_sigterm = true;                         // false: only SIGKILL ends the master
  bool sweeps = true;                                // false: left-overs do not go away
  bool drains = true;                                // false: somebody's session takes for ever
  bool gets_ready = true;                            // false: a probe proves the master, and then waits for ever
  bool out_of_memory = false;                        // why its master dies
  bool foreign = false;                              // something unproven holds the lock
  model::Missing missing = model::Missing::nothing;  // ... around it
};

class VirtualHost {
 public:
  explicit VirtualHost(std::uint32_t seed = 1, std::size_t checks = 4, model::Mode mode = model::Mode::manage)
      : fleet(seed, checks, mode), checks_(checks), random_(seed) {}

  Fleet fleet;
  std::unordered_map<std::string, Behaviour> behaviour;
  std::vector<std::string> log;         // "postfix-out running", in order; also "launch ID", "term ID"
  std::vector<std::string> violations;  // broken promises
  std::map<std::uint64_t, std::map<std::string, Outcome>> outcomes;
  std::map<std::string, std::string> messages;  // of the last conclusion, by member
  std::map<std::uint64_t, std::map<std::string, std::vector<std::string>>> steps;
  std::map<std::uint64_t, std::vector<std::string>> in_order;  // all steps of an operation: "postfix-out checking"
  bool left = false;
  bool logs = true;                        // false: nothing is written down, for fleets of thousands
  static inline std::uint64_t events = 0;  // of all hosts
  milliseconds latency_max{0};             // every answer takes up to so long
  std::function<void()> each_step;         // called after every event: a place for more invariants

  Instant now() const { return now_; }

  void inventory(std::vector<MemberSpec> members, std::vector<GroupSpec> groups = {}) {
    rules_ |= !groups.empty();
    handle(InventoryRead{std::move(members), std::move(groups)});
  }

  /// The daemon dies, with all its work and timers, and the next one comes with what this one has written down. Masters
  /// live on; one that was just being started is there or is not.
  void restart_daemon(std::vector<MemberSpec> members, std::vector<GroupSpec> groups = {}) {
    auto remembered = fleet.memory();
    ++life_;
    working_.clear();
    awaiting_.clear();
    timers_.clear();
    states_.clear();
    told_.clear();
    for (auto& [id, life] : masters_) life.known_as = AttemptId::none;
    for (const std::string& id : std::exchange(launching_, {}))
      if (behaviour[id].launch_ok && random_() % 2) masters_[id] = Life{AttemptId::none, ++last_pid_};
    // Operations that nobody remembers end, as the shell ends them.
    for (const auto& [operation, ids] : asked_)
      for (const std::string& id : ids) {
        auto known = remembered[{id}].operations;
        if (std::find(known.begin(), known.end(), model::OperationId{operation}) == known.end())
          outcomes[operation].try_emplace(id, Outcome::failed);
      }
    auto mode = fleet.observing() ? model::Mode::observe : model::Mode::manage;
    fleet = Fleet(static_cast<std::uint32_t>(random_()), checks_, mode);
    handle(InventoryRead{std::move(members), std::move(groups), std::move(remembered)});
  }

  std::uint64_t request(model::Action action, std::vector<std::string> ids, bool named = true,
                        model::OperationOptions options = {}) {
    Requested request{{++operations_}, action, {}, named, options};
    for (std::string& id : ids)
      if (std::find(request.members.begin(), request.members.end(), MemberId{id}) == request.members.end())
        request.members.push_back({std::move(id)});
    for (const MemberId& id : request.members) asked_[operations_].push_back(id.text);
    handle(request);
    return operations_;
  }

  void cancel(std::uint64_t operation) { handle(Cancelled{{operation}}); }

  void edited(const std::string& id) { handle(Happened{.id = {id}, .input = Input::edited}); }

  void surroundings_changed(model::Missing what) { handle(SurroundingsChanged{what}); }

  /// Somebody looks at how well its master is.
  void look(const std::string& id, bool well, bool curable = true) {
    auto master = masters_.find(id);
    if (master == masters_.end()) return;
    handle(Looked{{id}, master->second.known_as, {{"qmgr", well, well ? "" : "no answer", curable}}});
  }

  void replace_programs(std::vector<MemberId> of) { handle(ProgramsReplaced{std::move(of)}); }

  void set_mode(model::Mode mode) {
    restarted_.clear();  // a takeover begins with a clean history
    handle(ModeChanged{mode});
  }

  void shut_down() { handle(ShutdownRequested{}); }

  /// The master dies by this signal (0: exit status 0), now.
  void kill(const std::string& id, int signal) {
    auto master = masters_.find(id);
    if (master == masters_.end()) return;
    Exit exit;
    exit.cause = signal ? model::ExitCause::signal : model::ExitCause::exit;
    exit.signal = signal;
    exit.signal_name = "SIG" + std::to_string(signal);
    if (!signal) exit.status = 0;
    if (signal == 9) left_by_dead_.insert(id);
    end_master(id, exit);
  }

  /// What it lacked was waited for, and may have come.
  void relieve(const std::string& id) {
    if (auto waits = awaiting_.find(id); waits != awaiting_.end() && waits->second == working_[id])
      handle(Happened{.id = {id}, .input = Input::relieved, .attempt = waits->second});
  }

  /// What its life is ends for want of something around it.
  void lose(const std::string& id, model::Missing what) {
    if (masters_.contains(id)) end_master(id, Exit{.words = "is lost", .missing = what});
  }

  /// The master dies while nobody looks; or it is asked to end, and says so in its log.
  void die_unseen(const std::string& id) {
    masters_.erase(id);
    left_by_dead_.insert(id);
  }
  void be_stopped_unseen(const std::string& id) {
    masters_.erase(id);
    stopped_unseen_.insert(id);
  }

  /// Somebody starts a master by hand before we look.
  void start_by_hand(const std::string& id) { masters_[id] = Life{AttemptId::none, ++last_pid_}; }

  /// ... and the shell sees it, once it is there.
  void sighted(const std::string& id) {
    if (masters_.contains(id)) handle(Happened{.id = {id}, .input = Input::sighted});
  }

  /// Whether work is under way for it.
  bool works(const std::string& id) const { return working_.contains(id); }

  int master_pid(const std::string& id) const { return masters_.contains(id) ? masters_.at(id).pid : 0; }

  bool has_master(const std::string& id) const { return masters_.contains(id); }

  /// Runs what is due until nothing is left to happen, or for so long.
  void run(milliseconds duration = std::chrono::hours(1)) {
    Instant end = now_ + duration;
    while (!due_.empty() && due_.begin()->first <= end) {
      now_ = due_.begin()->first;
      auto event = std::move(due_.begin()->second);
      due_.erase(due_.begin());
      event();
    }
    now_ = end;
  }

  /// Only what is due now.
  void settle() { run(milliseconds(0)); }

  const Machine& member(const std::string& id) const { return *fleet.find({id}); }
  State state(const std::string& id) const { return member(id).state(); }

 private:
  struct Life {
    AttemptId known_as;  // none until the core was told
    int pid;
  };

  void handle(const Event& event) {
    ++events;
    auto waiting = logs ? who_waits() : std::vector<std::string>{};
    auto actions = fleet.handle(event, now_);
    for (const Action& action : actions) {
      const auto* armed = std::get_if<ArmTimer>(&action);
      if (armed && fleet.find(armed->id)->attempt() != armed->attempt)
        violations.push_back("a timer of " + armed->id.text + " that is not of its attempt");
    }
    if (fleet.observing() && std::ranges::any_of(actions, changes_something))
      violations.push_back("something was done while only observing");
    for (const Action& action : actions) std::visit([this](const auto& each) { perform(each); }, action);
    if (!logs) return;
    if (const auto* wished = std::get_if<Requested>(&event))
      for (const MemberId& id : wished->members) forget_limits(id, wished->options.rolling);
    const auto* news = std::get_if<Happened>(&event);
    bool only_looks = news && news->input == Input::sighted;  // at a master that somebody else has started
    for (const std::string& id : waiting)
      if (!only_looks) watch_order(id);
    for (const Machine* machine : fleet.members()) watch_limits(*machine);
    for (const Machine* machine : fleet.members()) {
      const std::string& id = machine->spec().id.text;
      if (std::exchange(states_[id], machine->state()) != machine->state())
        write(id + " " + model::to_word(machine->state()));
    }
    if (each_step) each_step();
  }

  static bool changes_something(const Action& action) {
    if (const auto* errand = std::get_if<Errand>(&action)) return model::acts(errand->action);
    return std::holds_alternative<Check>(action) || std::holds_alternative<Guard>(action) ||
           std::holds_alternative<Launch>(action) || std::holds_alternative<Reload>(action) ||
           std::holds_alternative<Probe>(action) || std::holds_alternative<ClearListeners>(action) ||
           std::holds_alternative<Sweep>(action) || std::holds_alternative<Drain>(action) ||
           std::holds_alternative<SignalMaster>(action) || std::holds_alternative<EndSurvivors>(action) ||
           std::holds_alternative<Initiate>(action);
  }

  std::vector<std::string> who_waits() const {
    std::vector<std::string> ids;
    for (const Machine* machine : fleet.members())
      if (machine->phase() == Phase::queued) ids.push_back(machine->spec().id.text);
    return ids;
  }

  /// The rule of order as one reads it, by a look at all: who has got his turn had nobody in the way. (Groups without
  /// rules only.)
  void watch_order(const std::string& id) {
    const Machine* begun = fleet.find({id});
    if (!begun || begun->phase() != Phase::finding || begun->desired() != model::Desired::up) return;
    for (const Machine* before : fleet.members()) {
      if (before == begun) return;
      const std::string& group = begun->spec().group;
      bool on_its_way = before->rising() && before->phase() != Phase::queued;
      bool lacking = !group.empty() && before->spec().group == group && !begun->unheld() &&
                     before->desired() == model::Desired::up && !before->running();
      if ((on_its_way || lacking) && !rules_) violations.push_back(id + " began before " + before->spec().id.text);
    }
  }

  /// Whatever was asked for, its history is clean; a restart that it already waits for is not of the new one. When the turn of a
  /// rolling one comes, and its history is cleaned, cannot be seen from here.
  void forget_limits(const MemberId& id, bool rolling) {
    if (rolling) rolled_.insert(id.text);
    restarted_[id.text].clear();
    const Machine* machine = fleet.find(id);
    if (machine && machine->phase() == Phase::backoff) ++restarts_[id.text];
  }

  /// No more restarts in any time than the policy allows, give or take the delay that each of them waited.
  void watch_limits(const Machine& machine) {
    const std::string& id = machine.spec().id.text;
    auto& times = restarted_[id];
    std::uint64_t& known = restarts_[id];
    for (; known < machine.restarts(); ++known) times.push_back(now_);
    const Policy& policy = machine.spec().policy;
    if (!rolled_.contains(id) && times.size() > policy.start_limit &&
        now_ - times[times.size() - 1 - policy.start_limit] < policy.start_limit_interval - policy.restart_delay_max)
      violations.push_back(id + " was restarted too often");
  }

  /// What happens to the host, whether a daemon is there or not.
  void later(std::function<void()> what) {
    milliseconds delay(
        latency_max.count() ? static_cast<long>(random_() % static_cast<unsigned long>(latency_max.count())) : 0);
    due_.emplace(now_ + delay, std::move(what));
  }

  /// What this daemon does; it dies with it.
  std::function<void()> of_this_daemon(std::function<void()> what) {
    return [this, life = life_, what = std::move(what)] {
      if (life == life_) what();
    };
  }

  /// An answer to work; dropped if the work was abandoned, as the shell's coroutines are.
  void answer(const MemberId& id, AttemptId attempt, std::function<Happened()> make) {
    working_[id.text] = attempt;
    if (!behaviour[id.text].answers) return;
    later(of_this_daemon([this, id, attempt, make = std::move(make)] {
      if (working_[id.text] != attempt) return;
      working_.erase(id.text);
      Happened happened = make();
      happened.id = id;
      happened.attempt = attempt;
      handle(happened);
    }));
  }

  void end_master(const std::string& id, Exit exit) {
    Life life = masters_.at(id);
    masters_.erase(id);
    handle(Happened{.id = {id}, .input = Input::died, .attempt = life.known_as, .exit = exit});
  }

  void write(std::string line) {
    if (logs) log.push_back(std::move(line));
  }

  static Happened happened(Input input) { return Happened{.id = {}, .input = input}; }
  static Happened fault(Input input, const std::string& code, model::FailureClass kind = model::FailureClass::config) {
    Happened h = happened(input);
    h.fault = Fault{kind, code, code, ""};
    return h;
  }
  static Happened lacking(Input input, model::Missing what) {
    Happened h = happened(input);
    h.fault = Fault{model::FailureClass::environment, "missing", "missing", "", what};
    return h;
  }

  void perform(const FindMaster& a) {
    answer(a.id, a.attempt, [this, id = a.id.text, attempt = a.attempt, lost = a.lost] {
      if (behaviour[id].foreign) return fault(Input::foreign, "foreign");
      auto master = masters_.find(id);
      if (master == masters_.end()) {
        Happened none = happened(Input::absent);
        if (lost && stopped_unseen_.erase(id)) none.exit = Exit{.signal = 15, .signal_name = "SIGTERM"};
        return none;
      }
      master->second.known_as = attempt;
      Happened found = happened(Input::present);
      found.pid = master->second.pid;
      return found;
    });
  }
  void perform(const Check& a) {
    write("check " + a.id.text);
    left_by_dead_.erase(a.id.text);
    answer(a.id, a.attempt, [this, id = a.id.text] {
      if (behaviour[id].missing != model::Missing::nothing) return lacking(Input::check_failed, behaviour[id].missing);
      return behaviour[id].check_ok ? happened(Input::checked) : fault(Input::check_failed, "check-failed");
    });
  }
  void perform(const Guard& a) {
    write("guard " + a.id.text);
    answer(a.id, a.attempt, [this, id = a.id.text] {
      return behaviour[id].check_ok ? happened(Input::checked) : fault(Input::check_failed, "check-failed");
    });
  }
  void perform(const Reload& a) {
    write("reload " + a.id.text);
    auto master = masters_.find(a.id.text);
    if (master == masters_.end() || master->second.known_as != a.master)
      violations.push_back("reloaded " + a.id.text + " without its master");
    if (behaviour[a.id.text].reload_kills) return later([this, id = a.id.text] { kill(id, 6); });
    answer(a.id, a.attempt, [this, id = a.id.text] {
      return behaviour[id].reload_ok ? happened(Input::reloaded) : fault(Input::not_reloaded, "not-reloaded");
    });
  }
  void perform(const Errand& a) {
    write(model::to_word(a.action) + " " + a.id.text);
    later(of_this_daemon([this, a] { handle(ErrandDone{a.operation, a.id, Outcome::done, ""}); }));
  }
  void perform(const EndSurvivors&) {}
  void perform(const Initiate& a) {
    later(of_this_daemon([this, a] {
      handle(Requested{{++operations_}, a.action, a.members, true, a.options, true});
    }));
  }
  void perform(const Explain& a) {
    bool oom = behaviour[a.id.text].out_of_memory;
    later(of_this_daemon([this, a, oom] {
      Explained explained{a.id, a.master, oom, {}};
      explained.fault.log = {"fatal: " + a.id.text};
      handle(explained);
    }));
  }
  void perform(const Progress& a) {
    steps[a.operation.number][a.id.text].push_back(a.step);
    in_order[a.operation.number].push_back(a.id.text + " " + a.step);
  }
  void perform(const Entered& a) {
    // Told of each other without a gap: what one was entered as, the next is left as.
    if (auto told = told_.find(a.id.text); told != told_.end() && told->second != a.from)
      violations.push_back(a.id.text + " entered " + model::to_word(a.to) + " from a state that it was not in");
    told_[a.id.text] = a.to;
  }
  void perform(const Launch& a) {
    write("launch " + a.id.text);
    if (masters_.contains(a.id.text)) violations.push_back("two masters for " + a.id.text);
    if (left_by_dead_.contains(a.id.text))
      violations.push_back("launched " + a.id.text + " beside what a dead master has left");
    launching_.insert(a.id.text);
    answer(a.id, a.attempt, [this, id = a.id.text] {
      launching_.erase(id);
      if (behaviour[id].missing != model::Missing::nothing) return lacking(Input::launch_failed, behaviour[id].missing);
      if (!behaviour[id].launch_ok) return fault(Input::launch_failed, "launch-failed", model::FailureClass::crash);
      masters_[id] = Life{AttemptId::none, ++last_pid_};
      return happened(Input::launched);
    });
  }
  void perform(const Probe& a) {
    if (!behaviour[a.id.text].gets_ready) {
      working_[a.id.text] = a.attempt;
      return later(of_this_daemon([this, a] {
        if (working_[a.id.text] == a.attempt && masters_.contains(a.id.text)) prove(a);
      }));
    }
    answer(a.id, a.attempt, [this, id = a.id, attempt = a.attempt] {
      if (!masters_.contains(id.text)) return fault(Input::not_ready, "no-master", model::FailureClass::crash);
      prove({id, attempt});
      return behaviour[id.text].ready ? happened(Input::ready)
                                      : fault(Input::not_ready, "not-ready", model::FailureClass::crash);
    });
  }
  void prove(const Probe& a) {
    Life& master = masters_.at(a.id.text);
    master.known_as = a.attempt;
    handle(Happened{.id = a.id, .input = Input::proven, .attempt = a.attempt, .pid = master.pid});
  }
  void perform(const ClearListeners& a) {
    left_by_dead_.erase(a.id.text);
    answer(a.id, a.attempt, [] { return happened(Input::cleared); });
  }
  void perform(const Sweep& a) {
    if (masters_.contains(a.id.text) && masters_.at(a.id.text).known_as != AttemptId::none)
      violations.push_back("swept " + a.id.text + " beside its living master");
    left_by_dead_.erase(a.id.text);
    working_[a.id.text] = a.attempt;
    if (!behaviour[a.id.text].sweeps && !a.force) return;
    masters_.erase(a.id.text);  // an unproven one goes with the rest
    answer(a.id, a.attempt, [] { return happened(Input::swept); });
  }
  void perform(const Drain& a) {
    if (masters_.contains(a.id.text)) violations.push_back("drained " + a.id.text + " beside its master");
    working_[a.id.text] = a.attempt;
    if (!behaviour[a.id.text].drains) return;
    answer(a.id, a.attempt, [this, id = a.id.text] {
      left_by_dead_.erase(id);
      return happened(Input::drained);
    });
  }
  void perform(const AwaitRelief& a) { working_[a.id.text] = awaiting_[a.id.text] = a.attempt; }
  void perform(const Abandon& a) {
    if (working_[a.id.text] == a.attempt) working_.erase(a.id.text);
    launching_.erase(a.id.text);
  }
  void perform(const SignalMaster& a) {
    write((a.kill ? "kill " : "term ") + a.id.text);
    auto master = masters_.find(a.id.text);
    if (master == masters_.end() || master->second.known_as != a.master) return;
    if (!a.kill && !behaviour[a.id.text].heeds_sigterm) return;
    later([this, id = a.id.text, pid = master->second.pid, killed = a.kill] {
      auto still = masters_.find(id);
      if (still == masters_.end() || still->second.pid != pid) return;
      if (killed) left_by_dead_.insert(id);
      Exit exit;
      exit.cause = model::ExitCause::signal;
      exit.signal = killed ? 9 : 15;
      exit.signal_name = killed ? "SIGKILL" : "SIGTERM";
      end_master(id, exit);
    });
  }
  void perform(const ArmTimer& a) {
    timers_[a.id.text] = a.attempt;
    due_.emplace(a.at, of_this_daemon([this, id = a.id, attempt = a.attempt] {
                   if (timers_[id.text] != attempt) return;
                   timers_.erase(id.text);
                   handle(Happened{.id = id, .input = Input::expired, .attempt = attempt});
                 }));
  }
  void perform(const CancelTimer& a) {
    if (timers_[a.id.text] == a.attempt) timers_.erase(a.id.text);
  }
  void perform(const Record&) {}
  void perform(const Concluded& a) {
    if (outcomes[a.operation.number].contains(a.id.text))
      violations.push_back("operation " + a.operation.text() + " concluded twice for " + a.id.text);
    outcomes[a.operation.number][a.id.text] = a.outcome;
    messages[a.id.text] = a.message;
  }
  void perform(const Forget& a) {
    write("forget " + a.id.text);
    told_.erase(a.id.text);
  }
  void perform(const Reread&) { write("reread"); }
  void perform(const Leave&) {
    if (!masters_.empty() && !fleet.observing()) violations.push_back("left with a master running");
    left = true;
  }

  Instant now_{};
  std::multimap<Instant, std::function<void()>> due_;
  std::unordered_map<std::string, Life> masters_;
  std::unordered_map<std::string, AttemptId> working_, awaiting_, timers_;
  std::unordered_map<std::string, State> states_, told_;
  std::unordered_map<std::string, std::vector<Instant>> restarted_;
  std::unordered_map<std::string, std::uint64_t> restarts_;
  std::set<std::string> rolled_;
  bool rules_ = false;  // some groups are parallel or required
  int last_pid_ = 100;
  std::uint64_t operations_ = 0;
  std::map<std::uint64_t, std::vector<std::string>> asked_;
  std::set<std::string> launching_;
  std::set<std::string> left_by_dead_;  // whose sockets may swallow connections
  std::set<std::string> stopped_unseen_;
  int life_ = 0;  // of daemons
  std::size_t checks_;
  std::minstd_rand random_;
};

/// The primary, and two members of group mta.
inline std::vector<MemberSpec> border_mail_server() {
  return {{{"-"}, "", true, {}, {}}, {{"postfix-out"}, "mta", true, {}, {}}, {{"postfix-in"}, "mta", true, {}, {}}};
}

/// The lines of the log that say that somebody is `state` now.
inline std::vector<std::string> who_became(const std::vector<std::string>& log, const std::string& state) {
  std::vector<std::string> who;
  for (const std::string& line : log)
    if (line.ends_with(" " + state)) who.push_back(line.substr(0, line.size() - state.size() - 1));
  return who;
}

}  // namespace postmultid::test
