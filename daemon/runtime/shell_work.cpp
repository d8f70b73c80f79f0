// The work of the shell: each action that takes time is a coroutine that ends by telling the core what came of it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <utility>

#include "host/deadline.hpp"
#include "host/kernel_log.hpp"
#include "host/log.hpp"
#include "host/memory_cgroup.hpp"
#include "host/offload.hpp"
#include "host/watch.hpp"
#include "runtime/shell.hpp"
#include "runtime/view.hpp"

namespace postmultid::runtime {

using host::Level;
using model::MemberId;
using namespace supervision;

namespace {

// To look through /proc takes milliseconds.
constexpr std::chrono::seconds kCommandsLimit{1};
// How often survivors are counted anew, and how long they get after a signal.
constexpr milliseconds kSurvivorsLook{5000}, kSurvivorsEnd{3000};
// A log whose disk hangs keeps nobody from starting.
constexpr milliseconds kMarkLimit{1000}, kExplainLimit{5000};

/// Whether the OOM killer has ended it: the kernel's own word, else its memory cgroup's count of such ends. Blocks.
bool ended_by_oom(pid_t pid, const Memory& before) {
  if (auto told = host::ended_by_oom_killer(pid, before.noted_at)) return *told;
  auto kills = host::oom_kills(before.oom_counter);
  return kills && before.oom_kills && *kills > *before.oom_kills;
}

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
  if (!*found) {
    auto ask = [driver, lost = action.lost] { return lost && driver->was_stopped_by_others(lost); };
    bool stopped = co_await host::offload(pool_, ask);
    if (!current(action.id, action.attempt)) co_return;
    co_return happened({.id = action.id,
                        .input = Input::absent,
                        .attempt = action.attempt,
                        .exit = stopped ? std::optional(Exit::by_request()) : std::nullopt});
  }
  co_await mark_log(action.id);
  if (!current(action.id, action.attempt)) co_return;
  take_charge(action.id, std::move(*found), action.attempt, true);
  int pid = wards_.at(action.id).charge->proof.pid;
  happened({.id = action.id, .input = Input::present, .attempt = action.attempt, .pid = pid});
  look_soon(*wards_.at(action.id).charge);
  look_at_programs_soon();  // they may have been replaced while nobody looked
}

asio::awaitable<void> Shell::check(Check action) {
  auto driver = wards_.at(action.id).driver;
  unsigned left = co_await driver->clear_listeners(0);
  if (left)
    note(action.id.text, "cleared", std::to_string(left) + " processes of an earlier master finish their sessions");
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
  co_await mark_log(action.id);
  auto done = co_await driver->launch(action.accept_new_queue);
  if (!done && current(action.id, action.attempt)) {
    host::LogMark since = wards_.at(action.id).log_mark;
    model::Fault fault = co_await explained(driver, done.error(), since, 0);
    done = std::unexpected(std::move(fault));
  }
  answer(action.id, action.attempt, Input::launched, Input::launch_failed, done);
}

/// That failure, with what its log says; without, if that cannot be read in time.
asio::awaitable<model::Fault> Shell::explained(std::shared_ptr<const Driver> driver, model::Fault fault,
                                               host::LogMark since, pid_t dead) {
  auto told = co_await host::within(kExplainLimit, driver->explain(fault, since, dead));
  co_return told ? std::move(*told) : std::move(fault);
}

/// What comes after this in its log is about what happens now.
asio::awaitable<void> Shell::mark_log(MemberId id) {
  auto mark = [driver = wards_.at(id).driver] { return driver->mark_log(); };
  auto marked = co_await host::within(kMarkLimit, host::offload(observers_, std::move(mark)));
  auto found = wards_.find(id);
  if (found == wards_.end()) co_return;
  host::LogMark none{std::chrono::system_clock::now(), {}};
  found->second.log_mark = marked ? std::move(*marked) : std::move(none);
}

asio::awaitable<void> Shell::note_memory(std::shared_ptr<Charge> charge) {
  auto look = [pid = charge->proof.pid] {
    std::string counter = host::oom_counter_of(pid);
    return std::pair(counter, host::oom_kills(counter));
  };
  auto [counter, kills] = co_await host::offload(pool_, std::move(look));
  charge->memory.oom_counter = std::move(counter);
  charge->memory.oom_kills = kills;
}

asio::awaitable<void> Shell::explain(Explain action, std::shared_ptr<Charge> ended) {
  Explained explained{action.id, action.master, false, {}};
  if (action.exit.signal == SIGKILL) {
    auto look = [pid = ended->proof.pid, memory = ended->memory] { return ended_by_oom(pid, memory); };
    explained.oom = co_await host::offload(pool_, std::move(look));
  }
  model::Fault nothing;
  explained.fault = co_await this->explained(ended->driver, nothing, ended->since, ended->proof.pid);
  // Not sooner: a count cannot be taken back when it turns out that it was the OOM killer.
  if (auto of = wards_.find(action.id); of != wards_.end())
    ++of->second.tally.exits[explained.oom ? model::ExitCause::oom : action.exit.cause];
  dispatch(explained);
}

asio::awaitable<void> Shell::reload(Reload action) {
  const Ward& of = wards_.at(action.id);
  auto driver = of.driver;
  auto charge = of.charge;
  if (!charge || charge->id != action.master) co_return;  // it has just died, which is said elsewhere
  auto done = co_await driver->reload(charge->life->process());
  if (!done && charge->life->over()) co_return;
  if (done) charge->read = driver;
  answer(action.id, action.attempt, Input::reloaded, Input::not_reloaded, done);
  look_soon(*charge);
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
  if (!ready && current(action.id, action.attempt)) {
    host::LogMark since = wards_.at(action.id).log_mark;
    model::Fault fault = co_await explained(driver, ready.error(), since, 0);
    co_return not_ready(fault);
  }
  Ward* of = current(action.id, action.attempt);
  if (!of || !of->charge) co_return;
  auto charge = of->charge;
  happened({.id = action.id, .input = Input::ready, .attempt = action.attempt, .pid = pid});
  tell_health(action.id, *charge, std::move(*ready));
  asio::co_spawn(loop_, look(action.id, charge, Look::as_client), report_end);
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
  co_await driver->sweep(action.force, action.only_of_master, wards_.at(action.id).commands);
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
  bool edits = action.action == model::Action::enable || action.action == model::Action::disable;
  ErrandDone end{action.operation, action.id, model::Outcome::done, ""};
  Turn::Held turn;
  if (edits) turn = co_await turn_.take(action.limit);
  auto of_now = wards_.find(action.id);
  if ((edits && !turn) || of_now == wards_.end()) {
    end.outcome = model::Outcome::failed;
    end.message =
        of_now == wards_.end() ? "is none of the members any more" : "others are changing the instances: try again";
    dispatch(end);
    co_return;
  }
  auto done = co_await host::within(action.limit, carry_out(of_now->second.driver, action.action));
  turn.reset();
  if (!done || !*done) {
    bool refused = done && done->error().kind == model::FailureClass::config;
    end.outcome = refused ? model::Outcome::refused : model::Outcome::failed;
    end.message = done ? done->error().message : "did not end in time";
  }
  // Who asks for a check wants to know how it is now, too.
  if (auto of = wards_.find(action.id);
      action.action == model::Action::check && of != wards_.end() && of->second.charge)
    co_await look(action.id, of->second.charge, Look::as_client);
  // Who has enabled something expects to see it so at once.
  if (edits) (void)co_await reread();
  dispatch(end);
}

// ---- what is in our charge

void Shell::take_charge(const MemberId& id, std::shared_ptr<const Life> life, AttemptId attempt, bool adopted) {
  Ward& of = wards_.at(id);
  of.ran_as = of.driver;
  auto now = std::chrono::system_clock::now();
  auto charge = std::make_shared<Charge>(loop_);
  charge->proof = life->proof().value_or(model::Proof{});
  charge->proof.adopted = adopted;
  charge->proof.proved_at = now;
  charge->id = attempt;
  charge->driver = of.driver;
  charge->read = of.driver;
  of.started_at = life->started_at().value_or(now);
  charge->life = std::move(life);
  charge->since = of.log_mark;
  of.charge = charge;
  of.listeners.clear();
  of.commands = nullptr;
  of.survivors.reset();
  asio::co_spawn(loop_, watch(id, charge), report_end);
  asio::co_spawn(loop_, look_for_ever(id, charge), report_end);
  asio::co_spawn(loop_, note_memory(charge), report_end);
  of.lacks_limits.clear();
  of.restart_told = false;
  enforce_limits_soon(id);
}

void Shell::enforce_limits_soon(const MemberId& id) {
  Ward& of = wards_.at(id);
  of.enforce_again = true;
  if (!std::exchange(of.enforcing, true)) asio::co_spawn(loop_, enforce_limits(id), report_end);
}

/// As its files say by now, one after the other: what was declared last is what stays.
asio::awaitable<void> Shell::enforce_limits(MemberId id) {
  for (auto found = wards_.find(id); found != wards_.end(); found = wards_.find(id)) {
    if (!found->second.charge || !std::exchange(found->second.enforce_again, false)) {
      found->second.enforcing = false;
      co_return;
    }
    auto driver = found->second.driver;
    auto charge = found->second.charge;
    auto lacking = co_await driver->enforce_limits(charge->life->pid());
    found = wards_.find(id);
    if (found == wards_.end() || found->second.charge != charge) continue;
    std::string words;
    for (const std::string& each : lacking) words += (words.empty() ? "" : "; ") + each;
    if (words == found->second.lacks_limits) continue;
    if (!words.empty()) note(id.text, "limits-not-in-force", words, model::EventKind::configuration);
    found->second.lacks_limits = std::move(words);
    publish();
  }
}

asio::awaitable<void> Shell::watch(MemberId id, std::shared_ptr<Charge> charge) {
  std::function<void()> changed = [this, charge] { look_soon(*charge); };
  Exit exit = co_await charge->life->ended(std::move(changed));
  look_soon(*charge);  // ... and find that there is nothing to look at
  if (auto found = wards_.find(id); found != wards_.end() && found->second.charge == charge) {
    found->second.ended = std::exchange(found->second.charge, nullptr);
    found->second.started_at.reset();
  }
  happened({.id = id, .input = Input::died, .attempt = charge->id, .exit = exit});
}

/// What it has begun is looked for before: afterwards nobody can tell whose that was.
asio::awaitable<void> Shell::end_life(SignalMaster action, std::shared_ptr<Charge> charge) {
  auto commands = co_await host::within(kCommandsLimit, charge->driver->commands(charge->life->pid()));
  if (auto found = wards_.find(action.id); found != wards_.end() && found->second.charge == charge && commands)
    if (!found->second.commands) found->second.commands = std::move(*commands);
  if (charge->life->over()) co_return;
  if (auto asked = charge->life->end(action.kill); !asked)
    host::log(Level::warning, action.id.text + ": " + asked.error().message);
}

namespace {

std::uint64_t living(const std::vector<host::Process>& processes) {
  return static_cast<std::uint64_t>(
      std::count_if(processes.begin(), processes.end(), [](const host::Process& each) { return each.alive(); }));
}

/// The caller holds them.
asio::awaitable<bool> all_ended(const std::vector<host::Process>& processes) {
  for (const host::Process& process : processes) co_await host::ended(process);
  co_return true;
}

}  // namespace

asio::awaitable<void> Shell::end_survivors(EndSurvivors action, std::shared_ptr<Charge> charge) {
  auto found = co_await charge->driver->survivors(charge->life->pid());
  if (!found) co_return;
  std::chrono::milliseconds pause{0};
  // They are asked first, and killed the second time; whom that does not end is only watched.
  for (int signal = SIGTERM; auto left = living(*found);) {
    auto ward = wards_.find(action.id);
    if (ward == wards_.end() || ward->second.charge != charge)
      co_return;  // its end takes them with it, or its successor
    auto now = std::chrono::steady_clock::now();
    ward->second.survivors = {left, Clocks::now().to_wall(action.at)};
    publish();
    if (now >= action.at && signal) {
      note(action.id.text, "ended-survivors",
           std::to_string(left) + " processes of an earlier master had not ended within orphan_grace: " +
               (signal == SIGTERM ? "SIGTERM" : "SIGKILL"));
      for (const host::Process& process : *found) (void)process.signal(signal);
      signal = signal == SIGTERM ? SIGKILL : 0;
      pause = kSurvivorsEnd;
    } else {
      pause = kSurvivorsLook;
      if (signal) pause = std::min(std::chrono::ceil<milliseconds>(action.at - now), pause);
    }
    co_await host::within(pause, all_ended(*found));
  }
  if (auto ward = wards_.find(action.id); ward != wards_.end() && ward->second.charge == charge) {
    ward->second.survivors.reset();
    publish();
  }
}

}  // namespace postmultid::runtime
