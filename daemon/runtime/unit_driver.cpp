#include "runtime/unit_driver.hpp"

#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <cstring>

#include "host/journal.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/watch.hpp"

namespace postmultid::runtime {

using host::Unit;
using host::Units;
using model::FailureClass;
using model::Fault;
using std::chrono::steady_clock;
using supervision::Exit;

namespace {

// systemd tells of each change; this is for one that was missed, while the bus or systemd was started anew.
constexpr std::chrono::seconds kLookAgain{30};
// Who waits for its readiness says better why there is none than its end does, and goes first.
constexpr milliseconds kStartersTime{500};
constexpr milliseconds kSweepAgain{1000}, kSilence{500}, kAskAgain{5000};
// Of what a unit and systemd say, the last lines mostly say why.
constexpr std::size_t kLastWords = 6;

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

/// How its main process ended, where that is why the unit is down.
Exit exit_of(const Unit& unit) {
  Exit exit;
  bool killed = unit.exit_code == CLD_KILLED || unit.exit_code == CLD_DUMPED;
  if (unit.result == "oom-kill") exit.cause = model::ExitCause::oom;
  if (killed && unit.exit_status > 0) {
    if (exit.cause != model::ExitCause::oom) exit.cause = model::ExitCause::signal;
    exit.signal = unit.exit_status;
    exit.signal_name = signal_name(unit.exit_status);
  } else if (unit.exit_code == CLD_EXITED && unit.exit_status != 0) {
    exit.cause = model::ExitCause::exit;
    exit.status = unit.exit_status;
  }
  bool told = exit.signal || exit.status || exit.cause == model::ExitCause::oom;
  if (unit.result == "success" || unit.result.empty()) {
    // Somebody asked systemd to end it, or it was done: systemd calls no other end a success.
    if (unit.active_state != "failed") exit = {model::ExitCause::exit, 0, "", 0};
  } else if (!told || unit.result == "timeout" || unit.result == "watchdog") {
    exit.words = "failed (" + unit.result + ")";
  }
  return exit;
}

std::string words_of(const Exit& exit) {
  if (!exit.words.empty()) return exit.words;
  if (exit.cause == model::ExitCause::oom) return "was killed by the OOM killer";
  if (exit.signal) return "was killed by " + exit.signal_name;
  if (exit.status) return "exited with status " + std::to_string(*exit.status);
  return "failed";
}

asio::awaitable<void> end_it(Units& units, std::string unit, bool force) {
  // Whatever comes of that: the stop is what counts, or systemd would start it again.
  if (force) (void)co_await units.kill(unit);
  auto accepted = co_await units.stop(unit);
  if (!accepted) host::log(host::Level::warning, unit + " cannot be stopped: " + accepted.error().message);
}

/// From when it was active, or asked to be, until systemd has given it up: not only as long as one of its processes lives.
class UnitLife : public Life {
 public:
  UnitLife(Units& units, std::string name, const Unit& unit)
      : units_(units), name_(std::move(name)), pid_(unit.main_pid), was_up_(unit.up()) {
    if (was_up_ && unit.active_since.count() > 0) started_at_ = model::WallTime(unit.active_since);
  }

  pid_t pid() const override { return pid_; }
  std::optional<model::WallTime> started_at() const override { return started_at_; }
  bool over() const override { return over_; }

  asio::awaitable<Exit> ended(std::function<void()> changed) const override {
    for (;;) {
      auto unit = co_await units_.look(name_);
      if (!unit) {
        co_await host::pause(kSilence);
        continue;
      }
      was_up_ |= unit->up();
      if (std::exchange(pid_, unit->main_pid) != unit->main_pid) changed();
      if (!unit->down()) {
        co_await units_.changed(name_, unit->seen, kLookAgain);
        continue;
      }
      if (!was_up_) co_await host::pause(kStartersTime);
      over_ = true;
      co_return exit_of(*unit);
    }
  }

  model::Result<void> end(bool force) const override {
    asio::co_spawn(units_.loop(), end_it(units_, name_, force), asio::detached);
    return {};
  }

 private:
  Units& units_;
  std::string name_;
  std::optional<model::WallTime> started_at_;
  mutable pid_t pid_;
  mutable bool was_up_, over_ = false;
};

}  // namespace

Fault UnitDriver::fault(FailureClass kind, std::string code, const std::string& message) const {
  return {kind, std::move(code), unit_ + " " + message, "systemctl status " + unit_};
}

Fault UnitDriver::silent(const host::BusError& error) const {
  return {FailureClass::environment, "systemd-silent", unit_ + ": systemd does not answer: " + error.message,
          "systemctl status dbus.service", model::Missing::answer};
}

Watched UnitDriver::watched() const {
  Watched watched;
  watched.by_looking = true;
  return watched;
}

bool UnitDriver::needs_restart_from(const Driver& before) const {
  const auto* started = dynamic_cast<const UnitDriver*>(&before);
  return !started || started->unit_ != unit_;
}

asio::awaitable<Search> UnitDriver::find() const {
  if (!Units::here()) co_return nullptr;
  auto unit = co_await units_.look(unit_);
  if (!unit) co_return std::unexpected(silent(unit.error()));
  if (!unit->up()) co_return nullptr;
  co_return std::make_shared<UnitLife>(units_, unit_, *unit);
}

asio::awaitable<Done> UnitDriver::check(bool) const {
  if (!Units::here())
    co_return std::unexpected(
        Fault{FailureClass::environment, "no-systemd", unit_ + ": systemd does not run on this host", ""});
  auto unit = co_await units_.look(unit_);
  if (!unit) co_return std::unexpected(silent(unit.error()));
  if (unit->load_state == "loaded") co_return Done{};
  std::string why = "cannot be loaded: " + unit->load_error;
  if (unit->load_state == "masked") why = "is masked: systemctl unmask makes it startable";
  if (unit->load_state == "not-found") why = "is not there: no such unit is installed";
  Fault refused = fault(FailureClass::config, "unit-" + unit->load_state, why);
  refused.message = place_ + ": " + refused.message;
  co_return std::unexpected(std::move(refused));
}

asio::awaitable<Done> UnitDriver::launch(bool) const {
  auto unit = co_await units_.look(unit_);
  // It is started as often as our policy says; systemd's own limit is for what systemd starts by itself.
  if (unit && unit->active_state == "failed") (void)co_await units_.reset_failed(unit_);
  auto accepted = co_await units_.start(unit_);
  if (accepted) co_return Done{};
  if (accepted.error().gone()) co_return std::unexpected(silent(accepted.error()));
  co_return std::unexpected(
      fault(FailureClass::crash, "not-started", "is not started by systemd: " + accepted.error().message));
}

asio::awaitable<Proved> UnitDriver::await_life(milliseconds) const {
  auto unit = co_await units_.look(unit_);
  if (!unit) co_return std::unexpected(silent(unit.error()));
  co_return std::make_shared<UnitLife>(units_, unit_, *unit);
}

/// Why it is not active after its start.
Fault UnitDriver::why_down(const Unit& unit) const {
  if (unit.last_job == "dependency")
    return fault(FailureClass::environment, "unit-dependency", "was not started: a unit that it needs has failed");
  if (!unit.conditions_met)
    return fault(FailureClass::environment, "unit-condition", "was not started: one of its conditions is not met");
  if (unit.last_job == "canceled")
    return fault(FailureClass::crash, "unit-canceled", "was not started: somebody else cancelled that");
  if (unit.active_state == "inactive")
    return fault(FailureClass::config, "unit-inactive",
                 "was started and is not active any more: a companion has to stay active");
  return fault(FailureClass::crash, "unit-failed", words_of(exit_of(unit)));
}

asio::awaitable<Ready> UnitDriver::await_ready(pid_t, milliseconds limit) const {
  auto give_up = steady_clock::now() + limit;
  auto left = [give_up] { return std::chrono::ceil<milliseconds>(give_up - steady_clock::now()); };
  for (;;) {
    auto unit = co_await units_.look(unit_);
    if (!unit) co_return std::unexpected(silent(unit.error()));
    if (unit->up()) break;
    if (unit->down()) co_return std::unexpected(why_down(*unit));
    milliseconds remaining = left();
    if (remaining.count() <= 0)
      co_return std::unexpected(fault(FailureClass::crash, "not-ready",
                                      "is " + unit->active_state + " (" + unit->sub_state + ") after start_timeout"));
    co_await units_.changed(unit_, unit->seen, remaining);
  }
  if (ready_) {
    model::Check heard = co_await companions::await_answer(*ready_, left());
    if (heard.ok != true)
      co_return std::unexpected(fault(FailureClass::crash, "not-ready", "does not answer at " + heard.detail));
  }
  co_return co_await look(0, Look::quick);
}

asio::awaitable<model::Readiness> UnitDriver::look(pid_t, Look) const {
  model::Readiness readiness;
  auto unit = co_await units_.look(unit_);
  if (unit) {
    std::string state = unit->active_state + " (" + unit->sub_state + ")";
    if (unit->main_pid) state += ", pid " + std::to_string(unit->main_pid);
    if (unit->restarts) state += ", restarted by systemd: " + std::to_string(unit->restarts);
    // systemd is about to start it again, or has given it up, which is told elsewhere.
    readiness.checks.push_back({"unit", unit->up(), state, false});
  } else {
    readiness.checks.push_back({"unit", std::nullopt, unit.error().message, false});
  }
  if (!ready_) co_return readiness;
  model::Check heard = co_await companions::ask(*ready_);
  if (heard.ok == true) readiness.listeners.push_back(ready_->listener());
  readiness.checks.push_back(std::move(heard));
  co_return readiness;
}

asio::awaitable<void> UnitDriver::sweep(bool force, pid_t, host::Processes) const {
  if (!Units::here()) co_return;
  for (;;) {
    auto unit = co_await units_.look(unit_);
    if (!unit) {
      co_await host::pause(kSilence);
      continue;
    }
    if (unit->down()) co_return;
    co_await end_it(units_, unit_, force);
    co_await units_.changed(unit_, unit->seen, kSweepAgain);
  }
}

/// systemd answers again.
asio::awaitable<bool> UnitDriver::relieved(pid_t) const {
  for (;;) {
    co_await host::pause(kAskAgain);
    auto unit = co_await units_.look(unit_);
    if (unit) co_return true;
  }
}

std::vector<std::string> UnitDriver::serves() const {
  if (!ready_) return {};
  return {ready_->text()};
}

asio::awaitable<Fault> UnitDriver::explain(Fault fault, host::LogMark since, pid_t) const {
  auto read = [unit = unit_, since] { return host::journal_tail_of_unit(unit, kLastWords, since.at); };
  auto lines = co_await host::offload(pool_, std::move(read));
  fault.log = lines.value_or(std::vector<std::string>{});
  co_return fault;
}

model::Result<std::vector<std::string>> UnitDriver::last_lines(std::size_t count) const {
  auto lines = host::journal_tail_of_unit(unit_, count);
  if (lines) return *lines;
  return model::failure("nothing of " + unit_ + " in the journal");
}

}  // namespace postmultid::runtime
