#include "runtime/command_driver.hpp"

#include "host/journal.hpp"
#include "host/offload.hpp"

namespace postmultid::runtime {

using model::FailureClass;
using model::Fault;

namespace {

// Of what a program says, the last lines mostly say why.
constexpr std::size_t kLastWords = 6;

}  // namespace

bool CommandDriver::needs_restart_from(const Driver& before) const {
  const auto* started = dynamic_cast<const CommandDriver*>(&before);
  if (!started) return true;
  companions::Command same_place = started->command_;
  same_place.place = command_.place;  // a line added above it in the file changes nothing
  return same_place != command_;
}

std::shared_ptr<const Life> CommandDriver::life_of(companions::Running running) const {
  ProcessLife::Facts facts{
      std::move(running.process), running.start_ticks, running.executable, command_.record, command_.stop_signal, {}};
  return std::make_shared<ProcessLife>(children_, pool_, std::move(facts));
}

asio::awaitable<Search> CommandDriver::find() const {
  auto look_for_it = [command = command_] { return companions::find(command); };
  auto running = co_await host::offload(pool_, std::move(look_for_it));
  if (!running) co_return nullptr;
  co_return life_of(std::move(*running));
}

asio::awaitable<Done> CommandDriver::check(bool) const {
  auto check_it = [command = command_] { return companions::check(command); };
  co_return co_await host::offload(pool_, std::move(check_it));
}

asio::awaitable<Done> CommandDriver::launch(bool) const {
  host::Settle settle = [&scopes = scopes_, scope = scope_](pid_t child) { return scopes.settle(scope, child); };
  co_return co_await companions::launch(children_, pool_, command_, cgroup(), std::move(settle));
}

asio::awaitable<Proved> CommandDriver::await_life(milliseconds) const {
  auto running = co_await companions::await_program(pool_, command_);
  if (!running)
    co_return std::unexpected(
        Fault{FailureClass::crash, "start-failed", "it ended at once; its last words may say why", ""});
  co_return life_of(std::move(*running));
}

asio::awaitable<Ready> CommandDriver::await_ready(pid_t pid, milliseconds limit) const {
  co_return co_await companions::await_ready(command_, pid, limit);
}

asio::awaitable<model::Readiness> CommandDriver::look(pid_t pid, Look) const {
  co_return co_await companions::look(command_, pid);
}

asio::awaitable<unsigned> CommandDriver::clear_listeners(pid_t) const {
  co_await companions::clear(pool_, command_, cgroup());
  co_return 0;
}

asio::awaitable<void> CommandDriver::sweep(bool force, pid_t, host::Processes) const {
  co_await companions::sweep(pool_, command_, cgroup(), force);
  co_await scopes_.leave(scope_);
}

std::vector<std::string> CommandDriver::serves() const {
  if (!command_.ready) return {};
  return {command_.ready->text()};
}

asio::awaitable<Fault> CommandDriver::explain(Fault fault, host::LogMark since, pid_t) const {
  auto read = [name = command_.name, since] {
    auto lines = host::journal_tail([&](std::string_view tag) { return tag == name; }, kLastWords, since.at);
    return lines.value_or(std::vector<std::string>{});
  };
  fault.log = co_await host::offload(pool_, std::move(read));
  co_return fault;
}

asio::awaitable<std::vector<std::string>> CommandDriver::enforce_limits(pid_t pid) const {
  co_return co_await scopes_.enforce(scope_, pid);
}

Counts CommandDriver::count() const { return {std::nullopt, companions::processes(command_)}; }

model::Result<std::vector<std::string>> CommandDriver::last_lines(std::size_t count) const {
  auto lines = host::journal_tail([this](std::string_view tag) { return tag == command_.name; }, count);
  if (lines) return *lines;
  return model::failure("nothing of " + command_.name +
                        " in the journal: without one, a companion writes where postmultid itself does");
}

}  // namespace postmultid::runtime
