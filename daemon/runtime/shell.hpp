// The shell around the decision core: it turns what happens into events, carries out the core's actions, and keeps
// what the world may see. It decides nothing: if a case seems to need an `if` here, the core is missing a state.
//
// shell.cpp: events in, actions out, and what the world asks; shell_work.cpp: the work that takes time; shell_looks.cpp: what
// is seen without being asked for; shell_definitions.cpp: plans, and what is done with them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "definitions/definition.hpp"
#include "host/children.hpp"
#include "host/log.hpp"
#include "host/scopes.hpp"
#include "host/surroundings.hpp"
#include "host/units.hpp"
#include "postfix/census.hpp"
#include "postfix/inventory.hpp"
#include "postfix/last_good.hpp"
#include "postfix/queue_mounts.hpp"
#include "postfix/tools.hpp"
#include "runtime/accounts.hpp"
#include "runtime/events.hpp"
#include "runtime/keeper.hpp"
#include "runtime/lookout.hpp"
#include "runtime/management.hpp"
#include "runtime/operations.hpp"
#include "runtime/planner.hpp"
#include "runtime/roster.hpp"
#include "runtime/service.hpp"
#include "runtime/turn.hpp"
#include "runtime/view.hpp"
#include "runtime/ward.hpp"
#include "supervision/fleet.hpp"

namespace postmultid::runtime {

/// Where things are.
struct Places {
  std::string definition;                     // the main definition file; conf.d is beside it
  std::string run_directory;                  // for what is true until the next boot
  std::string state_directory;                // ... and what is true longer
  std::string pmctl;                          // what units and postfix(1) are to run
  bool observe_until_takeover = false;        // else managed from the start
  host::Level log_level = host::Level::info;  // where the definition says nothing
};

class Shell : public Service, private Crew {
 public:
  Shell(asio::io_context& loop, asio::thread_pool& pool, Places places);

  /// Reads the definition and the inventory and hands them to the core, which begins to act. Fails where there is no
  /// Postfix. A definition with a mistake is left aside, and shown: mail that goes the plain way is better than none.
  asio::awaitable<model::Result<void>> open();

  /// Returns when of every member it is known whether it runs.
  asio::awaitable<void> settled();

  /// Ends all members in order; `left` is called when they are down. `run`: what systemd calls this run of our unit, so that
  /// who comes after a daemon that was cut off in the middle knows that it is his to go on with it.
  asio::awaitable<void> shut_down(std::string run, std::function<void()> left);

  /// How long that may take, if everybody needs all the time that he is given.
  std::chrono::seconds longest_stop() const;

  /// Returns when what the next daemon has to know is written down, or cannot be, or after `limit`.
  asio::awaitable<void> kept(std::chrono::milliseconds limit) { return keeper_.kept(limit); }

  std::shared_ptr<const model::Status> status() override;
  asio::awaitable<Answer<model::OperationId>> submit(model::Request request, model::Requester by) override;
  asio::awaitable<Answer<model::DryRun>> rehearse(model::Request request) override;
  void cancel(model::OperationId id) override;
  std::optional<model::Operation> operation(model::OperationId id) override;
  std::vector<model::Operation> operations() override;
  std::vector<model::Event> events_after(std::uint64_t number, std::size_t most) const override {
    return events_.after(number, most);
  }
  std::uint64_t newest_event() const override { return events_.newest(); }
  asio::awaitable<Answer<std::vector<std::string>>> last_lines(model::MemberId id, std::size_t count) override;
  asio::awaitable<Answer<void>> reread_all() override;
  Answer<void> change_log_level(const std::string& level, const model::Requester& by) override;
  asio::awaitable<Answer<std::vector<model::ManagementStep>>> change_management(model::ManagementChange wanted,
                                                                                bool dry_run,
                                                                                model::Requester by) override;
  asio::awaitable<Answer<model::Plan>> plan() override;
  asio::awaitable<Answer<model::Application>> apply(model::ApplyRequest wanted, model::Requester by) override;
  asio::awaitable<Answer<model::Plan>> plan_rollback(model::RollbackRequest wanted) override;
  asio::awaitable<Answer<model::Application>> roll_back(model::RollbackRequest wanted, model::Requester by) override;
  asio::awaitable<Answer<std::string>> export_definition() override;
  const definitions::Definition& definition() const override { return definition_; }
  asio::awaitable<Answer<model::InstanceChanged>> change_instances(model::InstanceChange change,
                                                                   model::Requester by) override;
  const Access& access() const override { return accounts_.access(); }
  std::optional<definitions::Endpoint> listen() const override { return definition_.daemon.listen; }
  void cannot_listen(std::string why) override;
  asio::awaitable<void> changed(std::chrono::milliseconds limit) override;

 private:
  using AttemptId = supervision::AttemptId;
  using Input = supervision::Input;
  using Happened = supervision::Happened;

  std::shared_ptr<const Driver> drive(const postfix::Instance& instance, std::vector<std::string> reload_on,
                                      host::ScopeLimits limits) const override;
  std::shared_ptr<const Driver> drive(const definitions::Companion& companion, host::ScopeLimits limits) const override;

  Handover handover() const;
  asio::awaitable<void> take_over();
  void conclude_interrupted();
  void tell_kept();
  asio::awaitable<model::Result<void>> reread();
  void reread_soon();
  void enroll(Roster roster);
  void learn_wrapper(const postfix::Listed& primary);
  void add_orphans(const std::vector<std::string>& recorded, Roster& roster) const;
  void use(definitions::Definition definition);
  asio::awaitable<Answer<std::vector<model::MemberId>>> select(const model::Request& request);
  model::OperationId begin(model::Request request, std::vector<model::MemberId> members,
                           std::optional<model::Requester> by, bool only_up = false);
  void dispatch(const supervision::Event& event);
  void happened(Happened happened);
  void tell(model::Event event);
  void note(const std::string& instance, std::string what, std::string message,
            model::EventKind kind = model::EventKind::fact);
  void conclude(model::OperationId id, const model::MemberId& member, model::Outcome outcome, std::string message);
  void tell_configuration(const model::MemberId& id, std::string what, std::string message);
  void tell_health_changes();
  void name_changed(model::InstanceChanged& changed);
  std::string doing(const model::MemberId& id) const;
  void fill_in(model::Operation& operation) const;

  void perform(const supervision::FindMaster& action);
  void perform(const supervision::Check& action);
  void perform(const supervision::Guard& action);
  void perform(const supervision::Launch& action);
  void perform(const supervision::Reload& action);
  void perform(const supervision::Probe& action);
  void perform(const supervision::ClearListeners& action);
  void perform(const supervision::Sweep& action);
  void perform(const supervision::Drain& action);
  void perform(const supervision::AwaitRelief& action);
  void perform(const supervision::Abandon& action);
  void perform(const supervision::SignalMaster& action);
  void perform(const supervision::EndSurvivors& action);
  void perform(const supervision::ArmTimer& action);
  void perform(const supervision::CancelTimer& action);
  void perform(const supervision::Errand& action);
  void perform(const supervision::Initiate& action);
  void perform(const supervision::Explain& action);
  void perform(const supervision::Progress& action);
  void perform(const supervision::Entered& action);
  void perform(const supervision::Record& action);
  void perform(const supervision::Concluded& action);
  void perform(const supervision::Forget& action);
  void perform(const supervision::Reread& action);
  void perform(const supervision::Leave& action);

  asio::awaitable<void> find_master(supervision::FindMaster action);
  asio::awaitable<void> check(supervision::Check action);
  asio::awaitable<void> guard(supervision::Guard action);
  asio::awaitable<void> launch(supervision::Launch action);
  asio::awaitable<void> reload(supervision::Reload action);
  asio::awaitable<void> probe(supervision::Probe action);
  asio::awaitable<void> clear_listeners(supervision::ClearListeners action);
  asio::awaitable<void> sweep(supervision::Sweep action);
  asio::awaitable<void> drain(supervision::Drain action);
  asio::awaitable<void> await_relief(supervision::AwaitRelief action);
  asio::awaitable<void> end_life(supervision::SignalMaster action, std::shared_ptr<Charge> charge);
  asio::awaitable<void> end_survivors(supervision::EndSurvivors action, std::shared_ptr<Charge> charge);
  asio::awaitable<void> explain(supervision::Explain action, std::shared_ptr<Charge> ended);
  asio::awaitable<model::Fault> explained(std::shared_ptr<const Driver> driver, model::Fault fault, host::LogMark since,
                                          pid_t dead);
  asio::awaitable<void> mark_log(model::MemberId id);
  asio::awaitable<void> note_memory(std::shared_ptr<Charge> charge);
  asio::awaitable<void> run_errand(supervision::Errand action);
  void enforce_limits_soon(const model::MemberId& id);
  asio::awaitable<void> enforce_limits(model::MemberId id);
  asio::awaitable<void> watch(model::MemberId id, std::shared_ptr<Charge> charge);
  asio::awaitable<void> look_for_ever(model::MemberId id, std::shared_ptr<Charge> charge);
  asio::awaitable<void> look_once(model::MemberId id, std::shared_ptr<Charge> charge, Look how);
  asio::awaitable<void> look(model::MemberId id, std::shared_ptr<Charge> charge, Look how);
  asio::awaitable<void> end_of_look(model::MemberId id, std::shared_ptr<Charge> charge);
  Look next_look(const model::MemberId& id, const Charge& charge, unsigned round, bool asked) const;
  void look_soon(Charge& charge);
  asio::awaitable<void> observe_for_ever();
  void begin_to_observe(const model::MemberId& id, Ward& of);
  void tell_of_stale_tables(const model::MemberId& id, const std::vector<std::string>& before,
                            const std::vector<std::string>& now);
  asio::awaitable<void> observe(model::MemberId id);
  asio::awaitable<void> look_out_for_ever();
  asio::awaitable<void> read_edited();
  void reload_renewed(const model::MemberId& id);
  void look_at_programs_soon();
  asio::awaitable<void> look_at_programs();
  asio::awaitable<void> sight(model::MemberId id, int looks);
  template <typename Watch>
  asio::awaitable<void> tell_of(Watch& watch, model::Missing what);

  asio::awaitable<Answer<Work>> work_for(definitions::Definition definition, bool run_commands);
  asio::awaitable<Answer<Work>> work_back(model::RollbackRequest wanted);
  asio::awaitable<Answer<model::Application>> carry_out_plan(Work work, Turn::Held turn, bool allow_restart,
                                                             model::Requester by);
  asio::awaitable<model::Result<void>> operate(model::MemberId id, model::Action action, model::Requester by);
  model::MemberId id_of(const std::string& config_directory) const;
  asio::awaitable<void> look_for_drift_for_ever();
  asio::awaitable<void> look_for_drift();

  void begin_work(const model::MemberId& id, AttemptId attempt, asio::awaitable<void> work);
  Ward* current(const model::MemberId& id, AttemptId attempt);
  void answer(const model::MemberId& id, AttemptId attempt, Input yes, Input no, const Done& done);
  std::shared_ptr<const Driver> as_it_ran(const model::MemberId& id) const;
  void keep_id_of_running(postfix::Instance& instance) const;
  bool is_renamed(const model::MemberId& id) const;
  void tell_health(const model::MemberId& id, Charge& charge, model::Readiness seen);
  void take_charge(const model::MemberId& id, std::shared_ptr<const Life> life, AttemptId attempt, bool adopted);
  void publish();

  asio::io_context& loop_;
  asio::thread_pool& pool_;
  // What no work waits for has threads of its own: a disk that hangs under a look must not stop the work.
  static constexpr std::size_t kObservers = 8;
  asio::thread_pool observers_{kObservers};
  mutable host::Children children_;
  mutable host::Units units_;
  mutable host::Scopes scopes_;
  mutable postfix::Tools tools_;
  postfix::Inventory inventory_;
  Places places_;
  mutable postfix::QueueMounts mounts_;
  mutable postfix::LastGood last_good_;
  mutable postfix::Census census_;
  Management management_;
  definitions::Definition definition_;
  std::vector<std::string> definition_problems_, roster_problems_;
  supervision::Fleet fleet_;
  std::map<model::MemberId, Ward> wards_;
  Operations operations_;
  Events events_;
  Keeper keeper_;
  Accounts accounts_;
  Turn turn_;  // of who changes the set of instances, or their files
  std::string cannot_listen_;
  std::map<model::MemberId, supervision::Remembered> remembered_;  // by an earlier daemon; of whom is not listed yet
  Lookout lookout_;
  host::AddressWatch addresses_;
  host::MountWatch mount_points_;
  host::NameWatch names_;
  std::set<model::MemberId> edited_;  // whose files were written, and not read again yet
  bool looking_at_programs_ = false, look_at_programs_again_ = false;
  std::uint64_t rereads_begun_ = 0, newest_reread_ = 0, definitions_begun_ = 0, newest_definition_ = 0;
  std::uint64_t rereads_before_wrapper_ = 0;  // these do not know yet what we have set it to
  std::string mail_version_, wrapper_;
  std::string changing_;   // who changes Postfix's files, or the set of instances, just now; empty: nobody
  std::string cut_short_;  // what an apply of an earlier daemon has left
  asio::steady_timer drift_timer_;
  model::WallTime started_at_;
  model::DaemonTally tally_;
  Clocks clocks_ = Clocks::now();
  std::function<void()> left_;
  std::string stopping_;
  asio::steady_timer change_;
  std::shared_ptr<const model::Status> status_;  // null before the first
  bool changed_ = true;                          // something may be different now
  std::vector<std::string> not_kept_;            // as it was told there
};

/// The end of a coroutine that nobody awaits: cancellation is ordinary, anything else is a fault of ours, and logged.
void report_end(std::exception_ptr error);

}  // namespace postmultid::runtime
