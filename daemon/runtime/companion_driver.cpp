#include "runtime/companion_driver.hpp"

namespace postmultid::runtime {

namespace {

Done no_instance() {
  return std::unexpected(model::Fault{model::FailureClass::config, "no-instance", "is no Postfix instance", ""});
}

}  // namespace

void CompanionDriver::describe(model::Member& member) const {
  member.name = name_;
  member.kind = model::Kind::companion;
}

asio::awaitable<Done> CompanionDriver::guard(bool, bool, pid_t) const { co_return co_await check(false); }

asio::awaitable<unsigned> CompanionDriver::clear_listeners(pid_t) const { co_return 0; }

// Never asked for: a companion is stopped instead.
asio::awaitable<void> CompanionDriver::drain(pid_t, std::function<void(std::string)>) const { co_return; }

asio::awaitable<Done> CompanionDriver::reload(std::shared_ptr<const host::Process>) const { co_return no_instance(); }

asio::awaitable<Done> CompanionDriver::flush() const { co_return no_instance(); }

asio::awaitable<Done> CompanionDriver::enable(bool) const { co_return no_instance(); }

asio::awaitable<host::Processes> CompanionDriver::commands(pid_t) const { co_return nullptr; }

asio::awaitable<host::Processes> CompanionDriver::survivors(pid_t) const { co_return nullptr; }

}  // namespace postmultid::runtime
