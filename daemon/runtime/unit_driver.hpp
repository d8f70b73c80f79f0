// A member that is a unit of systemd's. systemd runs it and ends it; no process of it is signalled from here.
#pragma once

#include "companions/endpoint.hpp"
#include "host/units.hpp"
#include "runtime/companion_driver.hpp"

namespace postmultid::runtime {

class UnitDriver : public CompanionDriver {
 public:
  /// `place` is where it was declared, for messages.
  UnitDriver(std::string name, std::string unit, std::string place, std::optional<companions::Endpoint> ready,
             host::Units& units, asio::thread_pool& pool)
      : CompanionDriver(std::move(name)),
        unit_(std::move(unit)),
        place_(std::move(place)),
        ready_(std::move(ready)),
        units_(units),
        pool_(pool) {}

  Watched watched() const override;
  bool needs_restart_from(const Driver& before) const override;

  asio::awaitable<Search> find() const override;
  asio::awaitable<Done> check(bool accept_new_queue) const override;
  asio::awaitable<Done> launch(bool accept_new_queue) const override;
  asio::awaitable<Proved> await_life(milliseconds limit) const override;
  asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const override;
  asio::awaitable<model::Readiness> look(pid_t pid, Look how) const override;
  asio::awaitable<void> sweep(bool force, pid_t only_of, host::Processes commands) const override;
  asio::awaitable<bool> relieved(pid_t holder) const override;

  std::vector<std::string> serves() const override;
  asio::awaitable<model::Fault> explain(model::Fault fault, host::LogMark since, pid_t dead) const override;

  model::Result<std::vector<std::string>> last_lines(std::size_t count) const override;

 private:
  model::Fault fault(model::FailureClass kind, std::string code, const std::string& message) const;
  model::Fault silent(const host::BusError& error) const;
  model::Fault why_down(const host::Unit& unit) const;

  std::string unit_, place_;
  std::optional<companions::Endpoint> ready_;
  host::Units& units_;
  asio::thread_pool& pool_;
};

}  // namespace postmultid::runtime
