#include "runtime/shell.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/type_index.hpp>
#include <random>
#include <thread>
#include <utility>

#include "companions/command.hpp"
#include "definitions/load.hpp"
#include "host/deadline.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/offload.hpp"
#include "model/selection.hpp"
#include "runtime/awaited_driver.hpp"
#include "runtime/command_driver.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/postfix_driver.hpp"
#include "runtime/unit_driver.hpp"
#include "runtime/view.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using model::Problem;
using model::Result;
using namespace supervision;

namespace {

constexpr std::chrono::seconds kLogLimit{10};
constexpr std::chrono::seconds kKeepLimit{1};
constexpr std::chrono::seconds kNamesLimit{2};
// What is left of a member after its stop_timeout is killed, swept and looked after.
constexpr std::chrono::seconds kEndOfStop{30};
const std::string kForgetful =
    "the next daemon would not know what was stopped by request, and how often what was restarted: ";

const std::string kUnguarded = "after a boot an instance may be started on a queue that is not mounted: ";

const Problem kStopping{409, "stopping", "postmultid is stopping",
                        "all members are being stopped; nothing new is begun"};

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

model::WallTime now() { return std::chrono::system_clock::now(); }

}  // namespace

void report_end(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const asio::multiple_exceptions& several) {
    report_end(several.first_exception());
  } catch (const boost::system::system_error& e) {
    if (e.code() != asio::error::operation_aborted) host::log(Level::error, std::string("internal: ") + e.what());
  } catch (const std::exception& e) {
    host::log(Level::error, std::string("internal: ") + e.what());
  }
}

Shell::Shell(asio::io_context& loop, asio::thread_pool& pool, Places places)
    : loop_(loop),
      pool_(pool),
      children_(loop),
      units_(loop),
      scopes_(units_, pool),
      tools_(children_, pool, observers_),
      inventory_(tools_),
      places_(std::move(places)),
      mounts_(places_.state_directory + "/queues.json"),
      last_good_(places_.state_directory + "/last-good"),
      management_(tools_,
                  {places_.state_directory + "/management.json", places_.pmctl, places_.observe_until_takeover}),
      fleet_(std::random_device{}(), std::max(2U, std::thread::hardware_concurrency()), management_.mode()),
      keeper_(
          loop, pool, places_.run_directory + "/state.json", [this] { return handover(); }, [this] { tell_kept(); }),
      accounts_(loop, [this] { publish(); }),
      lookout_(loop),
      addresses_(loop),
      mount_points_(loop),
      names_(loop),
      started_at_(now()),
      change_(loop, asio::steady_timer::time_point::max()) {}

asio::awaitable<Result<void>> Shell::open() {
  auto load = [file = places_.definition] { return definitions::load(file); };
  auto definition = co_await host::offload(pool_, std::move(load));
  if (definition) {
    use(std::move(*definition));
  } else {
    tally_.definition_good = false;
    for (const auto& complaint : definition.error()) definition_problems_.push_back(definitions::describe({complaint}));
    for (const std::string& problem : definition_problems_)
      host::log(Level::error, "definition left aside, Postfix's own list counts: " + problem);
  }
  asio::co_spawn(loop_, accounts_.keep(), report_end);
  if (auto found = tools_.find_postconf(definition_.daemon.postfix_commands); !found) co_return found;
  co_await take_over();
  if (auto read = co_await reread(); !read) co_return read;
  conclude_interrupted();
  keeper_.begin();
  asio::co_spawn(loop_, observe_for_ever(), report_end);
  asio::co_spawn(loop_, look_out_for_ever(), report_end);
  asio::co_spawn(loop_, tell_of(addresses_, model::Missing::address), report_end);
  asio::co_spawn(loop_, tell_of(mount_points_, model::Missing::mount), report_end);
  asio::co_spawn(loop_, tell_of(names_, model::Missing::name), report_end);
  co_await accounts_.known(kNamesLimit);  // all has begun: only who asks waits
  co_return Result<void>{};
}

asio::awaitable<void> Shell::settled() {
  auto unknown = [](const Machine* machine) { return machine->phase() == Phase::unknown; };
  while (std::ranges::any_of(fleet_.members(), unknown)) co_await changed(kKeepLimit);
}

asio::awaitable<void> Shell::shut_down(std::string run, std::function<void()> left) {
  stopping_ = std::move(run);
  left_ = std::move(left);
  keeper_.changed();
  co_await keeper_.kept(kKeepLimit);
  dispatch(ShutdownRequested{});
}

std::chrono::seconds Shell::longest_stop() const {
  std::chrono::seconds longest{0};
  for (const Machine* machine : fleet_.members())
    longest += std::chrono::ceil<std::chrono::seconds>(machine->spec().policy.stop_timeout) + kEndOfStop;
  return longest;
}

// ---- what is left by one daemon to the next

Handover Shell::handover() const {
  Handover handover{fleet_.memory(), operations_.all(), events_.last_few(), stopping_};
  handover.members.insert(remembered_.begin(), remembered_.end());
  return handover;
}

asio::awaitable<void> Shell::take_over() {
  auto left = co_await keeper_.read();
  if (!left) co_return;
  remembered_ = std::move(left->members);
  operations_.restore(std::move(left->operations));
  events_.restore(left->events);
}

/// What the core goes on with it concludes itself. The rest is not begun again: nobody could tell how far it has come.
void Shell::conclude_interrupted() {
  for (const model::Operation& operation : operations_.all())
    for (const model::OperationMember& member : operation.members) {
      const Machine* machine = fleet_.find(member.id);
      if (member.outcome == model::Outcome::pending && !(machine && machine->works_for(operation.id)))
        operations_.conclude(operation.id, member.id, model::Outcome::failed,
                             "postmultid was started anew before it was done", now());
    }
}

void Shell::tell_kept() {
  const std::string& trouble = keeper_.trouble();
  note("", trouble.empty() ? "remembering" : "not-remembering",
       trouble.empty() ? "what the next daemon has to know is written down again" : kForgetful + trouble);
  publish();
}

// ---- who there is

std::shared_ptr<const Driver> Shell::drive(const postfix::Instance& instance, std::vector<std::string> reload_on,
                                           host::ScopeLimits limits) const {
  return std::make_shared<PostfixDriver>(children_, tools_, mounts_, last_good_, scopes_, instance,
                                         std::move(reload_on), limits);
}

std::shared_ptr<const Driver> Shell::drive(const definitions::Companion& c, host::ScopeLimits limits) const {
  std::optional<companions::Endpoint> ready;
  if (c.ready) ready = {c.ready->host, c.ready->port, c.ready->path};
  if (!c.unit.text.empty())
    return std::make_shared<UnitDriver>(c.name.text, c.unit.text, c.unit.place.text(), std::move(ready), units_, pool_);
  if (c.command.empty() && ready) return std::make_shared<AwaitedDriver>(c.name.text, std::move(*ready));
  companions::Command command{c.name.text,
                              c.command,
                              c.user,
                              c.group,
                              c.environment,
                              c.directory,
                              std::move(ready),
                              c.stop_signal,
                              c.name.place.text(),
                              places_.run_directory + "/companions/" + c.name.text};
  return std::make_shared<CommandDriver>(children_, pool_, scopes_, std::move(command), limits);
}

void Shell::use(definitions::Definition definition) {
  definition_ = std::move(definition);
  definition_problems_.clear();
  accounts_.follow(definition_.daemon.roles);
  tally_.definition_good = true;
  tally_.definition_taken_at = now();
  host::set_log_level(host::level_called(definition_.daemon.log_level).value_or(places_.log_level));
}

asio::awaitable<Result<void>> Shell::reread() {
  std::uint64_t begun = ++rereads_begun_;
  auto listed = co_await inventory_.read();
  if (!listed) co_return std::unexpected(listed.error());
  auto look = [directory = places_.run_directory + "/companions"] { return companions::records(directory); };
  auto recorded = co_await host::offload(pool_, std::move(look));
  // A later one has overtaken it: what that has read is in force already.
  if (begun < newest_reread_) co_return Result<void>{};
  newest_reread_ = begun;
  for (postfix::Listed& entry : *listed) keep_id_of_running(entry.instance);
  postfix::refuse_taken_ids(*listed);
  mail_version_ = listed->front().instance.mail_version;
  if (begun > rereads_before_wrapper_) learn_wrapper(listed->front());
  Roster roster = compose(*listed, definition_, *this);
  add_orphans(recorded, roster);
  enroll(std::move(roster));
  co_return Result<void>{};
}

void Shell::learn_wrapper(const postfix::Listed& primary) {
  const std::string& wrapper = primary.instance.wrapper;
  if (primary.broken && wrapper.empty()) return;  // it could not be read
  bool told = !management_.problems(wrapper_).empty();
  wrapper_ = wrapper;
  if (auto now = management_.problems(wrapper_); !told && !now.empty()) note("", "not-in-charge", now.back());
}

/// A companion that was taken out of the definition while no daemon was there to see it: somebody has to end it.
void Shell::add_orphans(const std::vector<std::string>& recorded, Roster& roster) const {
  for (const std::string& name : recorded) {
    bool known =
        wards_.contains(MemberId{name}) || std::any_of(roster.entries.begin(), roster.entries.end(),
                                                       [&](const Entry& entry) { return entry.spec.id.text == name; });
    if (!known)
      roster.problems.push_back(places_.run_directory + "/companions/" + name + ": " + name +
                                " was started by postmultid and may still run, but is not in the definition any more");
  }
}

void Shell::reread_soon() {
  auto again = [](Shell& shell) -> asio::awaitable<void> {
    if (auto read = co_await shell.reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  };
  asio::co_spawn(loop_, again(*this), report_end);
}

void Shell::enroll(Roster roster) {
  InventoryRead inventory;
  inventory.groups = std::move(roster.groups);
  for (Entry& entry : roster.entries) {
    Ward& known = wards_.try_emplace(entry.spec.id, loop_).first->second;
    // A broken configuration does not overwrite what could be read before.
    if (!entry.spec.broken || !known.readable) known.driver = std::move(entry.driver);
    known.enabled_known = entry.enabled_known;
    known.shares = std::move(entry.shares);
    known.readable |= !entry.spec.broken;
    inventory.members.push_back(std::move(entry.spec));
  }
  for (const std::string& problem : roster.problems)
    if (std::find(roster_problems_.begin(), roster_problems_.end(), problem) == roster_problems_.end())
      host::log(Level::warning, problem);
  roster_problems_ = std::move(roster.problems);
  inventory.remembered = remembered_;
  dispatch(inventory);
  std::erase_if(remembered_, [this](const auto& each) { return wards_.contains(each.first); });
  for (const auto& [id, of] : wards_)
    if (of.charge) enforce_limits_soon(id);
  std::map<MemberId, Watched> watched;
  for (const auto& [id, of] : wards_) watched[id] = of.driver->watched();
  lookout_.watch(std::move(watched));
}

/// An instance that gets another name while it runs is still the same one: it keeps its id until it is down.
void Shell::keep_id_of_running(postfix::Instance& instance) const {
  for (const auto& [id, of] : wards_) {
    if (!of.charge) continue;
    model::Member running;
    of.charge->driver->describe(running);
    if (running.config_directory == instance.config_directory) instance.id = id;
  }
}

// ---- events in, actions out

namespace {

template <typename Kind>
void fault_point_before(const Kind& action) {
  static const std::string type = boost::typeindex::type_id<Kind>().pretty_name();
  static const std::string name = type.substr(type.rfind(':') + 1);
  if constexpr (requires { action.id.text; })
    fault_point(name, action.id.text);
  else
    fault_point(name);
}

}  // namespace

void Shell::dispatch(const Event& event) {
  auto carry_out = [this](const auto& action) {
    fault_point_before(action);
    perform(action);
  };
  for (const Action& action : fleet_.handle(event, std::chrono::steady_clock::now())) std::visit(carry_out, action);
  publish();
}

void Shell::happened(Happened happened) {
  fault_point(name(happened.input), happened.id.text);
  dispatch(Event(std::move(happened)));
}

void Shell::publish() {
  changed_ = true;
  keeper_.changed();
  change_.expires_at(asio::steady_timer::time_point::max());  // wakes who waits in changed()
  auto members = fleet_.members();
  auto up = std::count_if(members.begin(), members.end(), [](const Machine* m) { return m->running(); });
  host::notify_status((fleet_.observing() ? "observing, " : "") + std::to_string(up) + " of " +
                      std::to_string(members.size()) + " running");
}

void Shell::note(const std::string& instance, std::string what, std::string message) {
  host::log(Level::info, (instance.empty() ? "" : instance + ": ") + what + ": " + message);
  events_.add(instance, std::move(what), std::move(message), now());
  ++tally_.events;
}

Ward* Shell::current(const MemberId& id, AttemptId attempt) {
  auto found = wards_.find(id);
  return found != wards_.end() && found->second.work == attempt ? &found->second : nullptr;
}

namespace {

/// Work that never has to wait would answer in the middle of the dispatch that asked for it; and cancelled by what comes of
/// that answer, it would throw out of the loop (co_spawn's own last step can be cancelled before the first suspension).
asio::awaitable<void> in_its_own_turn(asio::awaitable<void> work) {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
  co_await std::move(work);
}

}  // namespace

void Shell::begin_work(const MemberId& id, AttemptId attempt, asio::awaitable<void> work) {
  Ward& of = wards_.at(id);
  of.work = attempt;
  of.cancel = std::make_shared<asio::cancellation_signal>();
  auto cancel = of.cancel;
  asio::co_spawn(loop_, in_its_own_turn(std::move(work)),
                 asio::bind_cancellation_slot(cancel->slot(), [cancel](std::exception_ptr e) { report_end(e); }));
}

void Shell::perform(const FindMaster& a) { begin_work(a.id, a.attempt, find_master(a)); }
void Shell::perform(const Check& a) { begin_work(a.id, a.attempt, check(a)); }
void Shell::perform(const Guard& a) { begin_work(a.id, a.attempt, guard(a)); }
void Shell::perform(const Launch& a) { begin_work(a.id, a.attempt, launch(a)); }
void Shell::perform(const Reload& a) { begin_work(a.id, a.attempt, reload(a)); }
void Shell::perform(const Probe& a) { begin_work(a.id, a.attempt, probe(a)); }
void Shell::perform(const ClearListeners& a) { begin_work(a.id, a.attempt, clear_listeners(a)); }
void Shell::perform(const Sweep& a) { begin_work(a.id, a.attempt, sweep(a)); }
void Shell::perform(const Drain& a) { begin_work(a.id, a.attempt, drain(a)); }
void Shell::perform(const AwaitRelief& a) { begin_work(a.id, a.attempt, await_relief(a)); }
void Shell::perform(const Explain& a) {
  // Under no attempt of the member's: it is being started again meanwhile.
  if (auto ended = wards_.at(a.id).ended; ended && ended->id == a.master)
    asio::co_spawn(loop_, explain(a, ended), report_end);
}

void Shell::perform(const Errand& a) { asio::co_spawn(loop_, run_errand(a), report_end); }

void Shell::perform(const Abandon& a) {
  if (Ward* of = current(a.id, a.attempt)) {
    of->work = AttemptId::none;
    of->cancel->emit(asio::cancellation_type::terminal);
  }
}

void Shell::perform(const SignalMaster& a) {
  auto charge = wards_.at(a.id).charge;
  if (charge && charge->id == a.master) asio::co_spawn(loop_, end_life(a, charge), report_end);
}

void Shell::perform(const EndSurvivors& a) {
  auto charge = wards_.at(a.id).charge;
  if (charge && charge->id == a.master) asio::co_spawn(loop_, end_survivors(a, charge), report_end);
}

void Shell::perform(const ArmTimer& a) {
  Ward& of = wards_.at(a.id);
  of.timer_attempt = a.attempt;
  of.timer.expires_at(a.at);
  of.timer.async_wait([this, id = a.id, attempt = a.attempt](boost::system::error_code cancelled) {
    if (!cancelled) happened({.id = id, .input = Input::expired, .attempt = attempt});
  });
}

void Shell::perform(const CancelTimer& a) {
  Ward& of = wards_.at(a.id);
  if (of.timer_attempt == a.attempt) of.timer.cancel();
}

void Shell::perform(const Initiate& a) {
  // Not at once: this event is still being carried out.
  asio::post(loop_, [this, a] {
    model::OperationId id = operations_.begin(a.action, a.members, std::nullopt, now());
    dispatch(Requested{id, a.action, a.members, true, a.options, true});
  });
}

void Shell::perform(const Progress& a) { operations_.step(a.operation, a.id, a.step, now()); }

void Shell::perform(const Record& a) {
  if (a.what == "start-failed") ++wards_.at(a.id).tally.start_failures;
  note(a.id.text, a.what, a.message);
}

void Shell::perform(const Concluded& a) {
  bool ended = operations_.conclude(a.operation, a.id, a.outcome, a.message, now());
  auto operation = operations_.find(a.operation);
  if (!operation) return;
  bool failed = a.outcome == model::Outcome::failed || a.outcome == model::Outcome::refused;
  if (auto of = wards_.find(a.id); of != wards_.end() && operation->action == model::Action::reload) {
    of->second.tally.reloads += failed || a.outcome == model::Outcome::done ? 1 : 0;
    of->second.tally.reload_failures += failed ? 1 : 0;
  }
  if (!ended) return;
  model::DaemonTally::Ended& all = tally_.operations[operation->action];
  ++all.all;
  all.failed += operation->succeeded() ? 0 : 1;
}

void Shell::perform(const Forget& a) { wards_.erase(a.id); }

void Shell::perform(const Reread&) { reread_soon(); }

void Shell::perform(const Leave&) {
  if (left_) asio::post(loop_, left_);
}

// ---- what the world sees and asks

std::shared_ptr<const model::Status> Shell::status() {
  // Threads of their own keep what these tell of, so no event says that it is another.
  std::vector<std::string> not_kept;
  if (std::string trouble = mounts_.trouble(); !trouble.empty()) not_kept.push_back(kUnguarded + trouble);
  if (std::string trouble = last_good_.trouble(); !trouble.empty()) not_kept.push_back(std::move(trouble));
  bool same = !std::exchange(changed_, false) && not_kept == not_kept_;
  if (same) return status_;
  not_kept_ = not_kept;
  auto fresh = std::make_shared<model::Status>();
  fresh->daemon = {POSTMULTID_VERSION,
                   host_name(),
                   mail_version_,
                   fleet_.shutting_down() ? "stopping" : "running",
                   ::getpid(),
                   started_at_,
                   definition_.files,
                   definition_problems_,
                   {}};
  auto& problems = fresh->daemon.definition_problems;
  problems.insert(problems.end(), roster_problems_.begin(), roster_problems_.end());
  const std::vector<std::string>& unknown = accounts_.access().problems;
  problems.insert(problems.end(), unknown.begin(), unknown.end());
  if (!keeper_.trouble().empty()) fresh->daemon.problems.push_back(kForgetful + keeper_.trouble());
  for (std::string& problem : not_kept) fresh->daemon.problems.push_back(std::move(problem));
  if (!cannot_listen_.empty()) fresh->daemon.problems.push_back(cannot_listen_);
  fresh->daemon.mode = management_.mode();
  fresh->daemon.wrapper = wrapper_;
  for (std::string& problem : management_.problems(wrapper_)) fresh->daemon.problems.push_back(std::move(problem));
  fresh->daemon.tally = tally_;
  fresh->daemon.tally.operations_under_way = operations_.under_way();
  clocks_ = clocks_.renewed();
  Overview overview = overview_of(fleet_);
  for (const Machine* machine : fleet_.members())
    fresh->members.push_back(view(fleet_, overview, *machine, wards_.at(machine->spec().id), clocks_));
  fresh->groups = groups_of(fresh->members);
  // Most looks find what the last one has found.
  if (!status_ || *fresh != *status_) status_ = std::move(fresh);
  return status_;
}

model::OperationId Shell::begin(model::Action action, std::vector<MemberId> members, bool named,
                                std::optional<model::Requester> by, model::OperationOptions options) {
  model::OperationId id = operations_.begin(action, members, by, now());
  dispatch(Requested{id, action, std::move(members), named, options});
  return id;
}

asio::awaitable<Shell::Answer<model::OperationId>> Shell::submit(model::Request request, model::Requester by) {
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  // What reads the files uses them as they are now; a stop does not wait for them.
  using enum model::Action;
  model::Action action = request.action;
  if (action == start || action == restart || action == reload || action == check)
    if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  auto selected = model::select(*status(), request.select);
  if (!selected) co_return std::unexpected(selected.error());
  auto begun = begin(action, std::move(*selected), !request.select.names.empty(), by, request.options);
  // Who is told that it has begun finds it again, whatever becomes of this daemon.
  co_await keeper_.kept(kKeepLimit);
  co_return begun;
}

void Shell::cancel(model::OperationId id) { dispatch(Cancelled{id}); }

/// What each member waits for changes too often to be written down each time.
void Shell::fill_in(model::Operation& operation) const {
  for (model::OperationMember& member : operation.members) {
    const Machine* machine = fleet_.find(member.id);
    if (member.outcome != model::Outcome::pending || !machine) continue;
    if (const Machine* blocker = fleet_.blocker(*machine)) member.waiting_for = blocker->spec().id.text;
    const std::string& under_way = wards_.at(member.id).under_way;
    if (machine->phase() == Phase::draining && !under_way.empty()) member.message = "waits for " + under_way;
  }
}

std::optional<model::Operation> Shell::operation(model::OperationId id) {
  auto operation = operations_.find(id);
  if (operation) fill_in(*operation);
  return operation;
}

std::vector<model::Operation> Shell::operations() {
  auto all = operations_.all();
  for (model::Operation& operation : all) fill_in(operation);
  return all;
}

asio::awaitable<Shell::Answer<std::vector<std::string>>> Shell::last_lines(MemberId id, std::size_t count) {
  auto read = [driver = wards_.at(id).driver, count] { return driver->last_lines(count); };
  auto lines = co_await host::within(kLogLimit, host::offload(pool_, std::move(read)));
  if (lines && *lines) co_return std::move(**lines);
  Problem none{404, "no-log", "There is no log to show", lines ? lines->error().message : "it cannot be read in 10 s"};
  co_return std::unexpected(std::move(none));
}

asio::awaitable<Shell::Answer<void>> Shell::reread_all() {
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  std::uint64_t begun = ++definitions_begun_;
  auto load = [file = places_.definition] { return definitions::load(file); };
  auto definition = co_await host::offload(pool_, std::move(load));
  if (!definition) {
    Problem bad{422, "bad-definition", "The definition has mistakes; nothing was changed",
                definitions::describe(definition.error())};
    tally_.definition_good = false;
    note("", "reread-refused", bad.detail);
    publish();
    co_return std::unexpected(std::move(bad));
  }
  if (begun < newest_definition_) co_return Answer<void>{};  // a later one has overtaken it
  newest_definition_ = begun;
  auto before = std::pair(definition_, definition_problems_);
  auto taken_at = tally_.definition_taken_at;
  use(std::move(*definition));
  if (auto read = co_await reread(); !read) {
    if (begun == newest_definition_) {
      use(std::move(before.first));
      definition_problems_ = std::move(before.second);
      tally_.definition_good = false;
      tally_.definition_taken_at = taken_at;
    }
    Problem failed{503, "inventory-unreadable", "Postfix's own list cannot be read", read.error().message};
    co_return std::unexpected(std::move(failed));
  }
  co_await accounts_.known(kNamesLimit);
  note("", "reread",
       std::to_string(definition_.files.size()) + " definition files, " + std::to_string(fleet_.members().size()) +
           " members");
  co_return Answer<void>{};
}

asio::awaitable<Shell::Answer<std::vector<model::ManagementStep>>> Shell::change_management(
    model::ManagementChange wanted, bool dry_run, model::Requester by) {
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  Management::ChangeMode change_mode = [this](model::Mode mode) {
    dispatch(ModeChanged{mode});
    return fleet_.observing() == (mode == model::Mode::observe);
  };
  Management::Members members = [this] { return status()->members; };
  auto done = co_await management_.carry_out(wanted, dry_run, std::move(change_mode), std::move(members));
  if (dry_run) co_return done;
  std::string asked = "asked for by uid " + std::to_string(by.uid) + " (pid " + std::to_string(by.pid) + ")";
  if (!done) note("", model::to_word(wanted) + "-failed", done.error().detail + "; " + asked);
  if (done)
    for (const model::ManagementStep& step : *done) note("", model::to_word(wanted), step.detail + "; " + asked);
  // main.cf shows it two seconds later, and whoever began to read it before has read what was there before.
  rereads_before_wrapper_ = rereads_begun_;
  if (done && (wanted == model::ManagementChange::takeover || wanted == model::ManagementChange::install_wrapper))
    wrapper_ = places_.pmctl + " postfix --";
  publish();
  co_return done;
}

void Shell::cannot_listen(std::string why) {
  if (why == cannot_listen_) return;
  note("", why.empty() ? "listening" : "not-listening", why.empty() ? "the loopback listener is as declared" : why);
  cannot_listen_ = std::move(why);
  publish();
}

asio::awaitable<void> Shell::changed(std::chrono::milliseconds limit) {
  asio::steady_timer timer(loop_, limit);
  // Whichever comes first ends the wait: the shared timer is cancelled by publish(), ours by time.
  using namespace asio::experimental::awaitable_operators;
  boost::system::error_code by_change, by_time;
  co_await (change_.async_wait(asio::redirect_error(asio::use_awaitable, by_change)) ||
            timer.async_wait(asio::redirect_error(asio::use_awaitable, by_time)));
}

}  // namespace postmultid::runtime
