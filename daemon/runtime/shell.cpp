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
#include "host/accounts.hpp"
#include "host/deadline.hpp"
#include "host/give_way.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/offload.hpp"
#include "model/selection.hpp"
#include "runtime/applier.hpp"
#include "runtime/awaited_driver.hpp"
#include "runtime/command_driver.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/instance_changes.hpp"
#include "runtime/postfix_driver.hpp"
#include "runtime/unit_driver.hpp"
#include "runtime/view.hpp"
#include "supervision/rehearsal.hpp"

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
// Who asks is said by number where a directory service does not answer.
constexpr std::chrono::seconds kNameLimit{1};
// The longest that somebody waits for others who change the instances.
constexpr std::chrono::seconds kTurnLimit{60};
// What is left of a member after its stop_timeout is killed, swept and looked after.
constexpr std::chrono::seconds kEndOfStop{30};
const std::string kForgetful =
    "the next daemon would not know what was stopped by request, and how often what was restarted: ";

const std::string kUnguarded = "after a boot an instance may be started on a queue that is not mounted: ";

const Problem kStopping{"stopping", "all members are being stopped; nothing new is begun"};

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
      turn_(loop.get_executor()),
      lookout_(loop),
      addresses_(loop),
      mount_points_(loop),
      names_(loop),
      drift_timer_(loop),
      started_at_(now()),
      change_(loop, asio::steady_timer::time_point::max()) {
  host::give_way(observers_, kObservers);
}

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
  auto left = [directory = places_.state_directory] { return cut_short(directory); };
  cut_short_ = co_await host::offload(pool_, std::move(left));
  if (!cut_short_.empty()) note("", "apply-cut-short", cut_short_, model::EventKind::configuration);
  keeper_.begin();
  asio::co_spawn(loop_, observe_for_ever(), report_end);
  asio::co_spawn(loop_, look_out_for_ever(), report_end);
  asio::co_spawn(loop_, look_for_drift_for_ever(), report_end);
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
        conclude(operation.id, member.id, model::Outcome::failed, "postmultid was started anew before it was done");
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
  return std::make_shared<PostfixDriver>(children_, tools_, mounts_, last_good_, census_, scopes_, instance,
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
  drift_timer_.cancel();  // what was read may be other than what is declared
  co_return Result<void>{};
}

void Shell::learn_wrapper(const postfix::Listed& primary) {
  const std::string& wrapper = primary.instance.wrapper;
  if (primary.broken && wrapper.empty()) return;  // it could not be read
  bool told = !management_.problems(wrapper_).empty();
  wrapper_ = wrapper;
  if (auto now = management_.problems(wrapper_); !told && !now.empty())
    note("", "not-in-charge", now.back(), model::EventKind::configuration);
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
  bool first = wards_.empty();
  for (Entry& entry : roster.entries) {
    auto [at, fresh] = wards_.try_emplace(entry.spec.id, loop_);
    Ward& known = at->second;
    if (fresh && !first) tell_configuration(entry.spec.id, "appeared", "is one of the members now");
    // A broken configuration does not overwrite what could be read before.
    if (!entry.spec.broken || !known.readable) known.driver = std::move(entry.driver);
    known.enabled_known = entry.enabled_known;
    known.shares = std::move(entry.shares);
    known.readable |= !entry.spec.broken;
    bool to_restart = known.charge && known.driver->needs_restart_from(*known.charge->driver);
    if (to_restart && !std::exchange(known.restart_told, true))
      tell_configuration(entry.spec.id, "restart-required", "what a reload ignores has changed");
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

/// Whether it is called otherwise than its main.cf says by now.
bool Shell::is_renamed(const MemberId& id) const {
  model::Member shown;
  wards_.at(id).driver->describe(shown);
  if (shown.kind != model::Kind::postfix || id == model::kPrimary) return false;
  return id.text != (shown.name.empty() ? shown.config_directory : shown.name);
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
  tell_health_changes();
  changed_ = true;
  keeper_.changed();
  change_.expires_at(asio::steady_timer::time_point::max());  // wakes who waits in changed()
  auto members = fleet_.members();
  auto up = std::count_if(members.begin(), members.end(), [](const Machine* m) { return m->running(); });
  host::notify_status((fleet_.observing() ? "observing, " : "") + std::to_string(up) + " of " +
                      std::to_string(members.size()) + " running");
}

void Shell::tell(model::Event event) {
  events_.add(std::move(event), now());
  ++tally_.events;
}

/// For the log, too.
void Shell::note(const std::string& instance, std::string what, std::string message, model::EventKind kind) {
  host::log(Level::info, (instance.empty() ? "" : instance + ": ") + what + ": " + message);
  tell({.instance = instance, .what = std::move(what), .message = std::move(message), .kind = kind});
}

void Shell::tell_configuration(const MemberId& id, std::string what, std::string message) {
  using enum model::EventKind;
  tell({.instance = id.text, .what = std::move(what), .message = std::move(message), .kind = configuration});
}

void Shell::tell_health_changes() {
  for (const Machine* machine : fleet_.members()) {
    Ward& of = wards_.at(machine->spec().id);
    model::Health health = health_of(*machine, of), before = std::exchange(of.health_told, health);
    if (health == before) continue;
    model::Event event{.instance = machine->spec().id.text, .what = "health", .kind = model::EventKind::health};
    event.message = health == model::Health::degraded ? machine->health().complaint() : "";
    event.from = model::to_word(before);
    event.to = model::to_word(health);
    tell(std::move(event));
  }
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
    model::Request request{a.action, {}, a.options};
    for (const MemberId& member : a.members) request.select.names.push_back(member.text);
    begin(std::move(request), a.members, std::nullopt, true);
  });
}

void Shell::perform(const Progress& a) { operations_.step(a.operation, a.id, a.step, now()); }

void Shell::perform(const Record& a) {
  if (a.what == "start-failed") ++wards_.at(a.id).tally.start_failures;
  note(a.id.text, a.what, a.message);
}

void Shell::perform(const Entered& a) {
  model::Event event{.instance = a.id.text, .what = "state", .kind = model::EventKind::state};
  event.from = model::to_word(a.from);
  event.to = model::to_word(a.to);
  tell(std::move(event));
  // It runs no more under the name that it was started with: its own is another since.
  if (a.to == model::State::stopped && is_renamed(a.id)) reread_soon();
}

void Shell::perform(const Concluded& a) { conclude(a.operation, a.id, a.outcome, a.message); }

void Shell::perform(const Forget& a) {
  wards_.erase(a.id);
  tell_configuration(a.id, "gone", "is none of the members any more");
}

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
  if (!cut_short_.empty()) fresh->daemon.problems.push_back(cut_short_);
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

namespace {

std::string words(const model::Selection& selection) {
  if (selection.all) return "all";
  if (!selection.group.empty()) return "group " + selection.group;
  std::string names;
  for (const std::string& name : selection.names) names += (names.empty() ? "" : ", ") + name;
  return names;
}

std::string words(const std::optional<model::Requester>& by) {
  if (!by) return "postmultid itself";
  return (by->name.empty() ? "uid " + std::to_string(by->uid) : by->name) + " (pid " + std::to_string(by->pid) + ")";
}

/// Which members are meant; those of a later request are asked one by one if they were named.
Requested requested(model::OperationId id, const model::Request& request, std::vector<MemberId> members) {
  return {id, request.action, std::move(members), !request.select.names.empty(), request.options};
}

model::Event event_of(model::OperationId id, std::string what, std::string message) {
  model::Event event{.what = std::move(what), .message = std::move(message), .kind = model::EventKind::operation};
  event.operation = id;
  return event;
}

}  // namespace

model::OperationId Shell::begin(model::Request request, std::vector<MemberId> members,
                                std::optional<model::Requester> by, bool only_up) {
  Requested wanted = requested({}, request, members);
  wanted.only_up = only_up;
  std::string asked = model::to_word(request.action) + " of " + words(request.select) + ", asked for by " + words(by);
  wanted.operation = operations_.begin(std::move(request), std::move(members), std::move(by), now());
  tell(event_of(wanted.operation, "begun", std::move(asked)));
  dispatch(wanted);
  return wanted.operation;
}

void Shell::conclude(model::OperationId id, const MemberId& member, model::Outcome outcome, std::string message) {
  const model::Operation* known = operations_.find(id);
  if (!known) return;
  bool failed = outcome == model::Outcome::failed || outcome == model::Outcome::refused;
  if (auto of = wards_.find(member); of != wards_.end() && known->action == model::Action::reload) {
    of->second.tally.reloads += failed || outcome == model::Outcome::done ? 1 : 0;
    of->second.tally.reload_failures += failed ? 1 : 0;
  }
  std::string action = model::to_word(known->action);
  auto of_member =
      event_of(id, "concluded", action + " " + model::to_word(outcome) + (message.empty() ? "" : ": " + message));
  of_member.instance = member.text;
  tell(std::move(of_member));
  const model::Operation* ended = operations_.conclude(id, member, outcome, std::move(message), now());
  if (!ended) return;
  model::DaemonTally::Ended& all = tally_.operations[ended->action];
  ++all.all;
  all.failed += ended->succeeded() ? 0 : 1;
  tell(event_of(id, "ended", action + (ended->succeeded() ? " succeeded" : " failed")));
}

asio::awaitable<Shell::Answer<std::vector<MemberId>>> Shell::select(const model::Request& request) {
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  // What reads the files uses them as they are now; a stop does not wait for them.
  using enum model::Action;
  model::Action action = request.action;
  if (action == start || action == restart || action == reload || action == check)
    if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  co_return model::select(*status(), request.select);
}

asio::awaitable<Shell::Answer<model::OperationId>> Shell::submit(model::Request request, model::Requester by) {
  auto selected = co_await select(request);
  if (!selected) co_return std::unexpected(selected.error());
  auto user = [uid = by.uid] { return host::user_of(uid); };
  auto asked_by = co_await host::within(kNameLimit, host::offload(observers_, std::move(user)));
  if (asked_by && *asked_by && **asked_by) by.name = (**asked_by)->name;
  auto begun = begin(std::move(request), std::move(*selected), std::move(by));
  // Who is told that it has begun finds it again, whatever becomes of this daemon.
  co_await keeper_.kept(kKeepLimit);
  co_return begun;
}

asio::awaitable<Shell::Answer<model::DryRun>> Shell::rehearse(model::Request request) {
  auto selected = co_await select(request);
  if (!selected) co_return std::unexpected(selected.error());
  co_await settled();
  model::DryRun dry_run;
  for (const MemberId& id : *selected) dry_run.members.push_back({id, model::Outcome::pending, "", {}, {}, {}});
  auto wanted = requested({}, request, std::move(*selected));
  auto played = supervision::rehearse(fleet_, std::move(wanted), std::chrono::steady_clock::now());
  for (RehearsedStep& step : played.steps) dry_run.steps.push_back({std::move(step.id), std::move(step.step)});
  for (Concluded& concluded : played.conclusions)
    for (model::OperationMember& member : dry_run.members)
      if (member.id == concluded.id) {
        member.outcome = concluded.outcome;
        member.message = concluded.message;
      }
  dry_run.request = std::move(request);
  dry_run.complete = played.complete;
  co_return dry_run;
}

void Shell::cancel(model::OperationId id) {
  const model::Operation* known = operations_.find(id);
  if (!known || known->state == model::OperationState::finished) return;
  tell(event_of(id, "cancelled", "what it has not begun with is left as it is"));
  dispatch(Cancelled{id});
}

/// What a member that an operation waits for is at just now.
std::string Shell::doing(const MemberId& id) const {
  const Machine* machine = fleet_.find(id);
  if (!machine) return "gone";
  if (const Machine* blocker = fleet_.blocker(*machine)) return "waits for " + blocker->spec().id.text;
  if (fleet_.waits_for_check(*machine)) return "waits for other checks to end";
  const std::string& under_way = wards_.at(id).under_way;
  if (machine->phase() == Phase::draining && !under_way.empty()) return "waits for " + under_way;
  return name(machine->phase());
}

/// What each member waits for changes too often to be written down each time.
void Shell::fill_in(model::Operation& operation) const {
  for (model::OperationMember& member : operation.members) {
    const Machine* machine = fleet_.find(member.id);
    if (member.outcome != model::Outcome::pending || !machine) continue;
    if (const Machine* blocker = fleet_.blocker(*machine)) member.waiting_for = blocker->spec().id.text;
    const std::string& under_way = wards_.at(member.id).under_way;
    if (machine->phase() == Phase::draining && !under_way.empty()) member.message = "waits for " + under_way;
    operation.progress += (operation.progress.empty() ? "" : "; ") + member.id.text + ": " + doing(member.id);
  }
}

std::optional<model::Operation> Shell::operation(model::OperationId id) {
  const model::Operation* known = operations_.find(id);
  if (!known) return std::nullopt;
  model::Operation operation = *known;
  fill_in(operation);
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
  Problem none{"no-log", lines ? lines->error().message : "it cannot be read in 10 s"};
  co_return std::unexpected(std::move(none));
}

asio::awaitable<Shell::Answer<void>> Shell::reread_all() {
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  std::uint64_t begun = ++definitions_begun_;
  auto load = [file = places_.definition] { return definitions::load(file); };
  auto definition = co_await host::offload(pool_, std::move(load));
  if (!definition) {
    Problem bad{"bad-definition", definitions::describe(definition.error())};
    tally_.definition_good = false;
    note("", "reread-refused", bad.detail, model::EventKind::configuration);
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
    Problem failed{"inventory-unreadable", read.error().message};
    co_return std::unexpected(std::move(failed));
  }
  co_await accounts_.known(kNamesLimit);
  note("", "reread",
       std::to_string(definition_.files.size()) + " definition files, " + std::to_string(fleet_.members().size()) +
           " members",
       model::EventKind::configuration);
  co_return Answer<void>{};
}

Shell::Answer<void> Shell::change_log_level(const std::string& name, const model::Requester& by) {
  auto level = host::level_called(name);
  if (!level)
    return std::unexpected(Problem{
        "bad-request", "\"" + name + "\" is not one of error, warning, notice, info, debug; nothing was changed"});
  host::set_log_level(*level);
  note("", "log-level", name + ", until the definition is read again; asked for by " + words(by),
       model::EventKind::configuration);
  return {};
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
  using enum model::EventKind;
  if (!done) note("", model::to_word(wanted) + "-failed", done.error().detail + "; " + asked, configuration);
  if (done)
    for (const model::ManagementStep& step : *done)
      note("", model::to_word(wanted), step.detail + "; " + asked, configuration);
  // main.cf shows it two seconds later, and whoever began to read it before has read what was there before.
  rereads_before_wrapper_ = rereads_begun_;
  if (done && (wanted == model::ManagementChange::takeover || wanted == model::ManagementChange::install_wrapper))
    wrapper_ = places_.pmctl + " postfix --";
  publish();
  co_return done;
}

/// As it is called now that the change is seen.
void Shell::name_changed(model::InstanceChanged& changed) {
  const auto members = status();
  auto found = std::ranges::find(members->members, changed.config_directory, &model::Member::config_directory);
  if (found == members->members.end()) return;
  changed.instance = found->id;
  using enum model::ChangeAction;
  bool is_new = changed.action == create || changed.action == import;
  if (is_new && found->desired == model::Desired::up) changed.steps.push_back("it is enabled: it is started now");
}

asio::awaitable<Shell::Answer<model::InstanceChanged>> Shell::change_instances(model::InstanceChange change,
                                                                               model::Requester by) {
  auto turn = co_await turn_.take(kTurnLimit);
  if (!turn) co_return std::unexpected(Problem{"busy", "another change of the instances is under way: try again"});
  if (fleet_.shutting_down()) co_return std::unexpected(kStopping);
  if (fleet_.observing())
    co_return std::unexpected(
        Problem{"change-refused", "postmultid only observes: pmctl takeover makes it the manager of this host"});
  auto present = co_await inventory_.read();
  if (!present) co_return std::unexpected(Problem{"change-refused", present.error().message});
  auto done = co_await carry_out(tools_, mounts_, std::move(*present), status(), change);
  std::string asked = "asked for by uid " + std::to_string(by.uid) + " (pid " + std::to_string(by.pid) + ")";
  using enum model::EventKind;
  if (!done) {
    if (done.error().code != "change-failed") co_return done;
    note("", model::to_word(change.action) + "-failed", done.error().detail + "; " + asked, configuration);
    // Half of it may have been seen meanwhile.
    if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
    co_return done;
  }
  if (change.action == model::ChangeAction::destroy) {
    auto forget = [directory = places_.state_directory + "/versions", gone = done->config_directory] {
      postfix::forget_declared(directory, gone);
      return true;
    };
    co_await host::offload(pool_, std::move(forget));
  }
  if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  name_changed(*done);
  std::string what;
  for (const std::string& step : done->steps) what += step + "; ";
  note(done->instance.text, past(change.action), what + asked, configuration);
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
