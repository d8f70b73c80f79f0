// The work of the shell: each action that takes time is a coroutine that ends by telling the core what came of it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "host/deadline.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/watch.hpp"
#include "runtime/shell.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using namespace supervision;

namespace {

constexpr std::chrono::seconds kObserveEvery{15};
// Asking showq more often than max_idle (100 s) would keep one alive and prove nothing of master.
constexpr unsigned kLookEveryRounds = 8;
// A master writes its pid before it is ready; for so long a start by somebody else is looked for.
constexpr int kSightings = 20;
constexpr milliseconds kSightingPause{100};
constexpr milliseconds kSettlePause{200};

}  // namespace

void Shell::answer(const MemberId& id, AttemptId attempt, Input yes, Input no, const Done& done) {
  if (done) return happened({.id = id, .input = yes, .attempt = attempt});
  happened({.id = id, .input = no, .attempt = attempt, .fault = done.error()});
}

std::shared_ptr<const Driver> Shell::as_it_ran(const MemberId& id) const {
  const Ward& of = wards_.at(id);
  return of.ran_as ? of.ran_as : of.driver;
}

asio::awaitable<void> Shell::find_master(FindMaster action) {
  auto driver = wards_.at(action.id).driver;
  auto found = co_await driver->find();
  if (!current(action.id, action.attempt)) co_return;
  if (!found)
    co_return happened({.id = action.id, .input = Input::foreign, .attempt = action.attempt, .fault = found.error()});
  if (!*found) co_return happened({.id = action.id, .input = Input::absent, .attempt = action.attempt});
  take_charge(action.id, std::move(*found), action.attempt, true);
  int pid = wards_.at(action.id).charge->proof.pid;
  asio::co_spawn(loop_, look_once(action.id, wards_.at(action.id).charge), report_end);
  happened({.id = action.id, .input = Input::present, .attempt = action.attempt, .pid = pid});
}

asio::awaitable<void> Shell::check(Check action) {
  auto driver = wards_.at(action.id).driver;
  auto done = co_await driver->check(action.accept_new_queue);
  answer(action.id, action.attempt, Input::checked, Input::check_failed, done);
}

asio::awaitable<void> Shell::guard(Guard action) {
  const Ward& of = wards_.at(action.id);
  auto driver = of.driver;
  auto done = co_await driver->guard(action.restart, action.accept_new_queue, of.charge ? of.charge->proof.pid : 0);
  answer(action.id, action.attempt, Input::checked, Input::check_failed, done);
}

asio::awaitable<void> Shell::launch(Launch action) {
  auto driver = wards_.at(action.id).driver;
  auto done = co_await driver->launch(action.accept_new_queue);
  answer(action.id, action.attempt, Input::launched, Input::launch_failed, done);
}

asio::awaitable<void> Shell::reload(Reload action) {
  const Ward& of = wards_.at(action.id);
  auto driver = of.driver;
  auto charge = of.charge;
  if (!charge || charge->id != action.master) co_return;  // it has just died, which is said elsewhere
  auto done = co_await driver->reload(charge->life->process());
  if (!done && charge->life->over()) co_return;
  answer(action.id, action.attempt, Input::reloaded, Input::not_reloaded, done);
  asio::co_spawn(loop_, look_once(action.id, charge), report_end);
}

asio::awaitable<void> Shell::probe(Probe action) {
  auto driver = wards_.at(action.id).driver;
  auto not_ready = [&](const model::Fault& fault) {
    happened({.id = action.id, .input = Input::not_ready, .attempt = action.attempt, .fault = fault});
  };
  auto life = co_await driver->await_life(action.limit);
  if (!life) co_return not_ready(life.error());
  if (!current(action.id, action.attempt)) co_return;
  take_charge(action.id, std::move(*life), action.attempt, false);
  int pid = wards_.at(action.id).charge->proof.pid;
  happened({.id = action.id, .input = Input::proven, .attempt = action.attempt, .pid = pid});

  auto ready = co_await driver->await_ready(pid, action.limit);
  if (!ready) co_return not_ready(ready.error());
  Ward* of = current(action.id, action.attempt);
  if (!of) co_return;
  of->seen = std::move(*ready);
  happened({.id = action.id, .input = Input::ready, .attempt = action.attempt, .pid = pid});
}

asio::awaitable<void> Shell::clear_listeners(ClearListeners action) {
  auto driver = as_it_ran(action.id);
  unsigned survivors = co_await driver->clear_listeners(action.master_pid);
  happened({.id = action.id, .input = Input::cleared, .attempt = action.attempt, .survivors = survivors});
}

asio::awaitable<void> Shell::drain(Drain action) {
  auto driver = as_it_ran(action.id);
  wards_.at(action.id).under_way.clear();
  std::function<void(std::string)> tell = [this, id = action.id, attempt = action.attempt](std::string what) {
    Ward* of = current(id, attempt);
    if (!of) return;
    of->under_way = std::move(what);
    publish();
  };
  co_await driver->drain(action.master_pid, std::move(tell));
  happened({.id = action.id, .input = Input::drained, .attempt = action.attempt});
}

asio::awaitable<void> Shell::await_relief(AwaitRelief action) {
  auto driver = wards_.at(action.id).driver;
  bool come = co_await driver->relieved(action.holder);
  if (come) happened({.id = action.id, .input = Input::relieved, .attempt = action.attempt});
}

asio::awaitable<void> Shell::sweep(Sweep action) {
  auto driver = as_it_ran(action.id);
  co_await driver->sweep(action.force, action.only_of_master);
  happened({.id = action.id, .input = Input::swept, .attempt = action.attempt});
}

namespace {

asio::awaitable<Done> carry_out(std::shared_ptr<const Driver> driver, model::Action action) try {
  switch (action) {
    case model::Action::flush: co_return co_await driver->flush();
    case model::Action::enable: co_return co_await driver->enable(true);
    case model::Action::disable: co_return co_await driver->enable(false);
    default: co_return co_await driver->check(false);
  }
} catch (const std::exception& e) {
  // Whoever waits for the operation is told in any case.
  co_return std::unexpected(model::Fault{model::FailureClass::environment, "internal", e.what(), ""});
}

}  // namespace

asio::awaitable<void> Shell::run_errand(Errand action) {
  auto done = co_await host::within(action.limit, carry_out(wards_.at(action.id).driver, action.action));
  ErrandDone end{action.operation, action.id, model::Outcome::done, ""};
  if (!done || !*done) {
    bool refused = done && done->error().kind == model::FailureClass::config;
    end.outcome = refused ? model::Outcome::refused : model::Outcome::failed;
    end.message = done ? done->error().message : "did not end in time";
  }
  // Who has enabled something expects to see it so at once.
  bool edits = action.action == model::Action::enable || action.action == model::Action::disable;
  if (edits) (void)co_await reread();
  dispatch(end);
}

// ---- what is in our charge

void Shell::take_charge(const MemberId& id, std::shared_ptr<const Life> life, AttemptId attempt, bool adopted) {
  Ward& of = wards_.at(id);
  of.ran_as = of.driver;
  auto now = std::chrono::system_clock::now();
  auto charge = std::make_shared<Charge>();
  charge->proof = life->proof().value_or(model::Proof{});
  charge->proof.adopted = adopted;
  charge->proof.proved_at = now;
  charge->id = attempt;
  charge->driver = of.driver;
  of.started_at = life->started_at().value_or(now);
  charge->life = std::move(life);
  of.charge = charge;
  of.seen = {};
  asio::co_spawn(loop_, watch(id, charge), report_end);
}

asio::awaitable<void> Shell::watch(MemberId id, std::shared_ptr<Charge> charge) {
  std::function<void()> changed = [this, id, charge] { asio::co_spawn(loop_, look_once(id, charge), report_end); };
  Exit exit = co_await charge->life->ended(std::move(changed));
  if (auto found = wards_.find(id); found != wards_.end() && found->second.charge == charge) {
    found->second.charge.reset();
    found->second.started_at.reset();
  }
  happened({.id = id, .input = Input::died, .attempt = charge->id, .exit = exit});
}

asio::awaitable<void> Shell::look_once(MemberId id, std::shared_ptr<Charge> charge) {
  auto seen = co_await charge->driver->look(charge->proof.pid);
  auto found = wards_.find(id);
  if (found == wards_.end() || found->second.charge != charge) co_return;
  found->second.seen = std::move(seen);
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
      if (!of.charge && of.driver->watched().by_looking) asio::co_spawn(loop_, sight(id, 1), report_end);
    }
    lookout_.renew();
    co_await host::pause(kObserveEvery);
  }
}

asio::awaitable<void> Shell::observe(MemberId id) {
  auto count = [driver = wards_.at(id).driver] { return driver->count(); };
  Counts counts = co_await host::offload(observers_, std::move(count));
  auto found = wards_.find(id);
  if (found == wards_.end()) co_return;
  found->second.observing = false;
  found->second.counts = counts;
  found->second.counted = true;
  publish();
}

asio::awaitable<void> Shell::look_out_for_ever() {
  for (;;) {
    auto notices = co_await lookout_.notices();
    std::set<MemberId> edited;
    for (const Notice& notice : notices) {
      if (!wards_.contains(notice.id)) continue;
      switch (notice.what) {
        case Notice::What::configuration: edited.insert(notice.id); break;
        case Notice::What::pid_file: asio::co_spawn(loop_, sight(notice.id, kSightings), report_end); break;
        case Notice::What::reload_on:
          note(notice.id.text, "renewed", "a file of its reload_on has changed");
          begin(model::Action::reload, {notice.id}, true, std::nullopt);
          break;
      }
    }
    if (edited.empty()) continue;
    if (auto read = co_await reread(); !read) host::log(Level::warning, "inventory: " + read.error().message);
    for (const MemberId& id : edited) happened({.id = id, .input = Input::edited});
  }
}

/// What changes around this host mostly changes in several steps.
template <typename Watch>
asio::awaitable<void> Shell::tell_of(Watch& watch, model::Missing what) {
  for (;;) {
    co_await watch.changed();
    co_await host::pause(kSettlePause);
    dispatch(SurroundingsChanged{what});
  }
}

template asio::awaitable<void> Shell::tell_of(host::AddressWatch& watch, model::Missing what);
template asio::awaitable<void> Shell::tell_of(host::MountWatch& watch, model::Missing what);
template asio::awaitable<void> Shell::tell_of(host::NameWatch& watch, model::Missing what);

/// Somebody writes a pid file, or may have started it without one: is there a master soon that nobody here has started?
asio::awaitable<void> Shell::sight(MemberId id, int looks) {
  for (int look = 0; look < looks; ++look) {
    auto found = wards_.find(id);
    if (found == wards_.end() || found->second.charge || found->second.sighting) co_return;
    found->second.sighting = true;
    auto driver = found->second.driver;
    auto search = co_await driver->find();
    if (auto still = wards_.find(id); still != wards_.end()) still->second.sighting = false;
    if (search && *search) co_return happened({.id = id, .input = Input::sighted});
    co_await host::pause(kSightingPause);
  }
}

}  // namespace postmultid::runtime
