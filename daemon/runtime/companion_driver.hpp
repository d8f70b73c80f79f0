// What all members have in common that are no Postfix instance, however they are run: what only Postfix can do is never
// asked of them, or refused.
#pragma once

#include "runtime/driver.hpp"

namespace postmultid::runtime {

class CompanionDriver : public Driver {
 public:
  explicit CompanionDriver(std::string name) : name_(std::move(name)) {}

  void describe(model::Member& member) const override;
  Watched watched() const override { return {}; }

  asio::awaitable<Done> guard(bool restart, bool accept_new_queue, pid_t pid) const override;
  asio::awaitable<unsigned> clear_listeners(pid_t dead) const override;
  asio::awaitable<host::Processes> commands(pid_t pid) const override;
  asio::awaitable<host::Processes> survivors(pid_t pid) const override;
  asio::awaitable<void> drain(pid_t dead, std::function<void(std::string)> tell) const override;
  asio::awaitable<Done> reload(std::shared_ptr<const host::Process> process) const override;
  asio::awaitable<Done> flush() const override;
  asio::awaitable<Done> enable(bool enabled) const override;

  // Its programs are not Postfix's: whoever replaces them knows what that means.
  bool is_outdated(pid_t) const override { return false; }
  Counts count() const override { return {}; }

 protected:
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace postmultid::runtime
