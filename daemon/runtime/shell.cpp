#include "runtime/shell.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>
#include <utility>

#include "host/exit.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/watch.hpp"
#include "model/selection.hpp"
#include "postfix/leftovers.hpp"
#include "postfix/probe.hpp"
#include "postfix/queue.hpp"
#include "postfix/start.hpp"
#include "runtime/view.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using model::Problem;
using model::Result;
using namespace supervision;

namespace {

constexpr std::chrono::seconds kObserveEvery{15};
// Asking showq more often than max_idle (100 s) would keep one alive and prove nothing of master.
constexpr unsigned kLookEveryRounds = 8;
constexpr std::chrono::milliseconds kQueueBudget{200};

/// The end of a coroutine that nobody awaits: cancellation is ordinary, anything else is a fault of ours.
void report_end(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    if (e.code() != asio::error::operation_aborted) host::log(Level::error, std::string("internal: ") + e.what());
  } catch (const std::exception& e) {
    host::log(Level::error, std::string("internal: ") + e.what());
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

MemberSpec spec_of(const postfix::Listed& listed) {
  bool examinable = !listed.instance.queue_directory.empty() && !(listed.broken && listed.broken->code == "conflict");
  return {listed.instance.id, listed.instance.group, listed.instance.enabled, listed.broken, Policy{}, examinable};
}

}  // namespace

Shell::Shell(asio::io_context& loop, asio::thread_pool& pool)
    : loop_(loop),
      pool_(pool),
      children_(loop),
      tools_(children_, pool),
      inventory_(tools_),
      fleet_(std::random_device{}()),
      started_at_(std::chrono::system_clock::now()),
      change_(loop, asio::steady_timer::time_point::max()) {}

asio::awaitable<Result<void>> Shell::open() {
  if (auto found = tools_.find_postconf(); !found) co_return found;
  if (auto read = co_await reread(); !read) co_return read;
  asio::co_spawn(loop_, observe_for_ever(), report_end);
  co_return Result<void>{};
}

void Shell::shut_down(std::function<void()> left) {
  left_ = std::move(left);
  dispatch(ShutdownRequested{});
}

// ---- events in, actions out

asio::awaitable<Result<void>> Shell::reread() {
  std::uint64_t begun = ++rereads_begun_;
  auto listed = co_await inventory_.read();
  if (!listed) co_return std::unexpected(listed.error());
  if (begun < newest_reread_) co_return Result<void>{};  // a later one has overtaken it
  newest_reread_ = begun;
  InventoryRead inventory;
  for (postfix::Listed& entry : *listed) {
    keep_id_of_running(entry.instance);
    Ward& known = ward(entry.instance.id);
    // A broken configuration does not overwrite what a running master was started with.
    if (!entry.broken || !known.readable) known.instance = entry.instance;
    known.enabled_known = entry.enabled_known;
    known.readable |= !entry.broken;
    inventory.members.push_back(spec_of(entry));
  }
  mail_version_ = listed->front().instance.mail_version;
  dispatch(inventory);
  co_return Result<void>{};
}

/// An instance that gets another name while it runs is still the same one: it keeps its id until it is down.
void Shell::keep_id_of_running(postfix::Instance& instance) const {
  for (const auto& [id, of] : wards_)
    if (of.charge && of.ran_as && of.ran_as->config_directory == instance.config_directory) instance.id = id;
}

void Shell::dispatch(const Event& event) {
  for (const Action& action : fleet_.handle(event, std::chrono::steady_clock::now()))
    std::visit([this](const auto& each) { perform(each); }, action);
  publish();
}

void Shell::happened(Happened happened) { dispatch(Event(std::move(happened))); }

void Shell::publish() {
  status_.reset();
  change_.expires_at(asio::steady_timer::time_point::max());  // wakes who waits in changed()
  auto members = fleet_.members();
  auto up = std::count_if(members.begin(), members.end(), [](const Machine* m) { return m->running(); });
  host::notify_status(std::to_string(up) + " of " + std::to_string(members.size()) + " running");
}

// ---- what the core wants done

Ward& Shell::ward(const MemberId& id) { return wards_.try_emplace(id, loop_).first->second; }

postfix::Instance Shell::ran_as(const MemberId& id) {
  Ward& of = ward(id);
  return of.ran_as.value_or(of.instance);
}

Ward* Shell::current(const MemberId& id, AttemptId attempt) {
  auto found = wards_.find(id);
  return found != wards_.end() && found->second.work == attempt ? &found->second : nullptr;
}

void Shell::begin_work(const MemberId& id, AttemptId attempt, asio::awaitable<void> work) {
  Ward& of = ward(id);
  of.work = attempt;
  of.cancel = std::make_shared<asio::cancellation_signal>();
  auto cancel = of.cancel;
  asio::co_spawn(loop_, std::move(work),
                 asio::bind_cancellation_slot(cancel->slot(), [cancel](std::exception_ptr e) { report_end(e); }));
}

void Shell::perform(const FindMaster& a) { begin_work(a.id, a.attempt, find_master(a)); }
void Shell::perform(const Check& a) { begin_work(a.id, a.attempt, check(a)); }
void Shell::perform(const Launch& a) { begin_work(a.id, a.attempt, launch(a)); }
void Shell::perform(const Probe& a) { begin_work(a.id, a.attempt, probe(a)); }
void Shell::perform(const ClearListeners& a) { begin_work(a.id, a.attempt, clear_listeners(a)); }
void Shell::perform(const Sweep& a) { begin_work(a.id, a.attempt, sweep(a)); }

void Shell::perform(const Abandon& a) {
  if (Ward* of = current(a.id, a.attempt)) {
    of->work = AttemptId::none;
    of->cancel->emit(asio::cancellation_type::terminal);
  }
}

void Shell::perform(const SignalMaster& a) {
  Ward& of = ward(a.id);
  if (!of.charge || of.charge->id != a.master) return;
  // Through the pidfd that was proved: it cannot reach anybody else, whatever happened to the number.
  if (auto sent = of.charge->master.process.signal(a.kill ? SIGKILL : SIGTERM); !sent)
    host::log(Level::warning, a.id.text + ": " + sent.error().message);
}

void Shell::perform(const ArmTimer& a) {
  Ward& of = ward(a.id);
  of.timer_attempt = a.attempt;
  of.timer.expires_at(a.at);
  of.timer.async_wait([this, id = a.id, attempt = a.attempt](boost::system::error_code cancelled) {
    if (!cancelled) happened({.id = id, .input = Input::expired, .attempt = attempt});
  });
}

void Shell::perform(const CancelTimer& a) {
  Ward& of = ward(a.id);
  if (of.timer_attempt == a.attempt) of.timer.cancel();
}

void Shell::perform(const Record& a) { host::log(Level::info, a.id.text + ": " + a.what + ": " + a.message); }

void Shell::perform(const Concluded& a) {
  operations_.conclude(a.operation, a.id, a.outcome, a.message, std::chrono::system_clock::now());
}

void Shell::perform(const Forget& a) { wards_.erase(a.id); }

void Shell::perform(const Reread&) {
  auto again = [](Shell& shell) -> asio::awaitable<void> {
    if (auto read = co_await shell.reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  };
  asio::co_spawn(loop_, again(*this), report_end);
}

void Shell::perform(const Leave&) {
  if (left_) asio::post(loop_, left_);
}

// ---- the work

asio::awaitable<void> Shell::find_master(FindMaster action) {
  auto found = co_await postfix::examine(tools_, ward(action.id).instance);
  if (!current(action.id, action.attempt)) co_return;
  if (!found)
    co_return happened({.id = action.id, .input = Input::foreign, .attempt = action.attempt, .fault = found.error()});
  if (!*found) co_return happened({.id = action.id, .input = Input::absent, .attempt = action.attempt});
  int pid = (*found)->process.pid();
  take_charge(action.id, std::move(**found), action.attempt, true);
  asio::co_spawn(loop_, look_once(action.id, ward(action.id).charge), report_end);
  happened({.id = action.id, .input = Input::present, .attempt = action.attempt, .pid = pid});
}

asio::awaitable<void> Shell::check(Check action) {
  auto done = co_await postfix::check(tools_, ward(action.id).instance);
  if (done)
    happened({.id = action.id, .input = Input::checked, .attempt = action.attempt});
  else
    happened({.id = action.id, .input = Input::check_failed, .attempt = action.attempt, .fault = done.error()});
}

asio::awaitable<void> Shell::launch(Launch action) {
  auto done = co_await postfix::launch(tools_, ward(action.id).instance);
  if (done)
    happened({.id = action.id, .input = Input::launched, .attempt = action.attempt});
  else
    happened({.id = action.id, .input = Input::launch_failed, .attempt = action.attempt, .fault = done.error()});
}

asio::awaitable<void> Shell::probe(Probe action) {
  postfix::Instance instance = ward(action.id).instance;
  auto not_ready = [&](const model::Fault& fault) {
    happened({.id = action.id, .input = Input::not_ready, .attempt = action.attempt, .fault = fault});
  };
  auto master = co_await postfix::await_master(tools_, instance, action.limit);
  if (!master) co_return not_ready(master.error());
  if (!current(action.id, action.attempt)) co_return;
  int pid = master->process.pid();
  take_charge(action.id, std::move(*master), action.attempt, false);
  happened({.id = action.id, .input = Input::proven, .attempt = action.attempt, .pid = pid});

  auto ready = co_await postfix::await_ready(tools_, instance, pid, action.limit);
  if (!ready) co_return not_ready(ready.error());
  Ward* of = current(action.id, action.attempt);
  if (!of) co_return;
  of->checks = std::move(ready->checks);
  of->listeners = std::move(ready->listeners);
  happened({.id = action.id, .input = Input::ready, .attempt = action.attempt, .pid = pid});
}

asio::awaitable<void> Shell::clear_listeners(ClearListeners action) {
  unsigned survivors = co_await postfix::clear_listeners(tools_, ran_as(action.id), action.master_pid);
  happened({.id = action.id, .input = Input::cleared, .attempt = action.attempt, .survivors = survivors});
}

asio::awaitable<void> Shell::sweep(Sweep action) {
  co_await postfix::sweep(tools_, ran_as(action.id), action.force, action.only_of_master);
  happened({.id = action.id, .input = Input::swept, .attempt = action.attempt});
}

// ---- a master in our charge

void Shell::take_charge(const MemberId& id, postfix::Master master, AttemptId attempt, bool adopted) {
  Ward& of = ward(id);
  of.ran_as = of.instance;
  (void)children_.take_wait_status(master.process.pid());  // of somebody else who had this number before
  auto now = std::chrono::system_clock::now();
  auto charge = std::make_shared<Charge>();
  charge->proof = {master.process.pid(), master.start_ticks, master.executable, of.instance.pid_file(), adopted, now};
  charge->master = std::move(master);
  charge->id = attempt;
  of.charge = charge;
  of.started_at = host::started_at(charge->master.start_ticks).value_or(now);
  of.checks.clear();
  of.listeners.clear();
  asio::co_spawn(loop_, watch(id, charge), report_end);
}

asio::awaitable<void> Shell::watch(MemberId id, std::shared_ptr<Charge> charge) {
  co_await host::ended(charge->master.process);
  Exit exit;
  if (auto wait_status = children_.take_wait_status(charge->proof.pid)) {
    auto words = host::describe_wait_status(*wait_status);
    exit = {words.signal ? model::ExitCause::signal : model::ExitCause::exit, words.signal, words.signal_name,
            words.status};
  }
  if (auto found = wards_.find(id); found != wards_.end() && found->second.charge == charge) {
    found->second.charge.reset();
    found->second.started_at.reset();
  }
  happened({.id = id, .input = Input::died, .attempt = charge->id, .exit = exit});
}

asio::awaitable<void> Shell::look_once(MemberId id, std::shared_ptr<Charge> charge) {
  auto seen = co_await postfix::look(tools_, ward(id).instance, charge->proof.pid);
  auto found = wards_.find(id);
  if (found == wards_.end() || found->second.charge != charge) co_return;
  found->second.checks = std::move(seen.checks);
  found->second.listeners = std::move(seen.listeners);
  publish();
}

// ---- what is seen now and then

asio::awaitable<void> Shell::observe_for_ever() {
  for (unsigned round = 0;; ++round) {
    for (auto& [id, of] : wards_) {
      if (!of.readable || of.observing) continue;
      of.observing = true;
      asio::co_spawn(loop_, observe(id), report_end);
      if (of.charge && round % kLookEveryRounds == kLookEveryRounds - 1)
        asio::co_spawn(loop_, look_once(id, of.charge), report_end);
    }
    co_await host::pause(kObserveEvery);
  }
}

asio::awaitable<void> Shell::observe(MemberId id) {
  auto work = [instance = ward(id).instance] {
    return std::pair(postfix::count_queue(instance, kQueueBudget), postfix::processes_of(instance).size());
  };
  auto [queue, processes] = co_await host::offload(observers_, std::move(work));
  auto found = wards_.find(id);
  if (found == wards_.end()) co_return;
  found->second.observing = false;
  found->second.queue = queue;
  found->second.processes = processes;
  publish();
}

// ---- what the world sees and asks

std::shared_ptr<const model::Status> Shell::status() {
  if (status_) return status_;
  auto fresh = std::make_shared<model::Status>();
  fresh->daemon = {POSTMULTID_VERSION, host_name(), mail_version_, fleet_.shutting_down() ? "stopping" : "running",
                   ::getpid(),         started_at_};
  Clocks clocks = Clocks::now();
  for (const Machine* machine : fleet_.members())
    fresh->members.push_back(view(fleet_, *machine, ward(machine->spec().id), clocks));
  fresh->groups = groups_of(fresh->members);
  status_ = std::move(fresh);
  return status_;
}

asio::awaitable<std::expected<model::OperationId, Problem>> Shell::submit(model::Action action,
                                                                          model::Selection selection) {
  if (fleet_.shutting_down()) {
    Problem stopping{409, "stopping", "postmultid is stopping", "all members are being stopped; nothing new is begun"};
    co_return std::unexpected(std::move(stopping));
  }
  // A start uses the files as they are now; a stop does not wait for them.
  if (action == model::Action::start || action == model::Action::restart)
    if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
  auto selected = model::select(*status(), selection);
  if (!selected) co_return std::unexpected(selected.error());
  model::OperationId id = operations_.begin(action, *selected, std::chrono::system_clock::now());
  dispatch(Requested{id, action, *selected, !selection.names.empty()});
  co_return id;
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
