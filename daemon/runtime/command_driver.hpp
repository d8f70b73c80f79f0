// A member that is a companion: a command of ours.
#pragma once

#include "companions/command.hpp"
#include "runtime/driver.hpp"

namespace postmultid::runtime {

class CommandDriver : public Driver {
 public:
  CommandDriver(host::Children& children, asio::thread_pool& pool, companions::Command command)
      : children_(children), pool_(pool), command_(std::move(command)) {}

  void describe(model::Member& member) const override;
  std::string proof_file() const override { return command_.record; }
  Watched watched() const override { return {}; }
  int stop_signal() const override { return command_.stop_signal; }
  bool needs_restart_from(const Driver& before) const override;

  asio::awaitable<Search> find() const override;
  asio::awaitable<Done> check(bool accept_new_queue) const override;
  asio::awaitable<Done> guard(bool restart, bool accept_new_queue, pid_t pid) const override;
  asio::awaitable<Done> launch(bool accept_new_queue) const override;
  asio::awaitable<Proved> await_process(milliseconds limit) const override;
  asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const override;
  asio::awaitable<model::Readiness> look(pid_t pid, bool thorough) const override;
  asio::awaitable<unsigned> clear_listeners(pid_t dead) const override;
  asio::awaitable<void> sweep(bool force, pid_t only_of) const override;
  asio::awaitable<void> drain(pid_t dead, std::function<void(std::string)> tell) const override;
  asio::awaitable<Done> reload(std::shared_ptr<const host::Process> process) const override;
  asio::awaitable<Done> flush() const override;
  asio::awaitable<Done> enable(bool enabled) const override;

  // Its programs are not Postfix's: whoever replaces them knows what that means.
  bool is_outdated(pid_t) const override { return false; }
  Counts count() const override;
  model::Result<std::vector<std::string>> last_lines(std::size_t count) const override;
  bool was_asked_to_end(pid_t) const override { return false; }

 private:
  host::Children& children_;
  asio::thread_pool& pool_;
  companions::Command command_;
};

}  // namespace postmultid::runtime
