// A member that is a companion: a command of ours.
#pragma once

#include "companions/command.hpp"
#include "host/scopes.hpp"
#include "runtime/companion_driver.hpp"

namespace postmultid::runtime {

class CommandDriver : public CompanionDriver {
 public:
  CommandDriver(host::Children& children, asio::thread_pool& pool, host::Scopes& scopes, companions::Command command,
                host::ScopeLimits limits)
      : CompanionDriver(command.name),
        children_(children),
        pool_(pool),
        scopes_(scopes),
        scope_{"postmultid-" + host::escaped_for_unit(command.name, true) + ".scope", "Companion " + command.name,
               limits},
        command_(std::move(command)) {}

  bool needs_restart_from(const Driver& before) const override;

  asio::awaitable<Search> find() const override;
  asio::awaitable<Done> check(bool accept_new_queue) const override;
  asio::awaitable<Done> launch(bool accept_new_queue) const override;
  asio::awaitable<Proved> await_life(milliseconds limit) const override;
  asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const override;
  asio::awaitable<model::Readiness> look(pid_t pid, Look how) const override;
  asio::awaitable<unsigned> clear_listeners(pid_t dead) const override;
  asio::awaitable<void> sweep(bool force, pid_t only_of, host::Processes commands) const override;

  std::vector<std::string> serves() const override;
  asio::awaitable<model::Fault> explain(model::Fault fault, host::LogMark since, pid_t dead) const override;

  host::Cgroup cgroup() const override { return scopes_.cgroup(scope_); }
  asio::awaitable<std::vector<std::string>> enforce_limits(pid_t pid) const override;
  Counts count() const override;
  model::Result<std::vector<std::string>> last_lines(std::size_t count) const override;

 private:
  std::shared_ptr<const Life> life_of(companions::Running running) const;

  host::Children& children_;
  asio::thread_pool& pool_;
  host::Scopes& scopes_;
  host::Scope scope_;
  companions::Command command_;
};

}  // namespace postmultid::runtime
