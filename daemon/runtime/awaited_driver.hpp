// A member that somebody else runs and that tells nothing but whether it answers: it is awaited, asked now and then, and
// neither started nor ended.
#pragma once

#include "companions/endpoint.hpp"
#include "runtime/companion_driver.hpp"

namespace postmultid::runtime {

class AwaitedDriver : public CompanionDriver {
 public:
  AwaitedDriver(std::string name, companions::Endpoint endpoint)
      : CompanionDriver(std::move(name)), endpoint_(std::move(endpoint)) {}

  bool needs_restart_from(const Driver& before) const override;

  /// Nothing: that it answers is no life of ours before somebody has asked for it.
  asio::awaitable<Search> find() const override;
  asio::awaitable<Done> check(bool accept_new_queue) const override;
  asio::awaitable<Done> launch(bool accept_new_queue) const override;
  asio::awaitable<Proved> await_life(milliseconds limit) const override;
  asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const override;
  asio::awaitable<model::Readiness> look(pid_t pid, Look how) const override;
  asio::awaitable<void> sweep(bool force, pid_t only_of, host::Processes commands) const override;
  asio::awaitable<bool> relieved(pid_t holder) const override;

  std::vector<std::string> serves() const override;

  model::Result<std::vector<std::string>> last_lines(std::size_t count) const override;

 private:
  companions::Endpoint endpoint_;
};

}  // namespace postmultid::runtime
