#include "runtime/driver.hpp"

#include "host/watch.hpp"

namespace postmultid::runtime {

// The number may be somebody else's by now: then the member tries again when that ends, and no harm is done. Where it is
// gone already the member's own slow retry is soon enough; to try at once would go round without a pause.
asio::awaitable<bool> Driver::relieved(pid_t holder) const {
  auto process = host::Process::open(holder);
  if (!process) co_return false;
  co_await host::ended(*process);
  co_return true;
}

asio::awaitable<std::vector<std::string>> Driver::enforce_limits(pid_t) const { co_return std::vector<std::string>{}; }

asio::awaitable<model::Fault> Driver::explain(model::Fault fault, host::LogMark, pid_t) const { co_return fault; }

}  // namespace postmultid::runtime
