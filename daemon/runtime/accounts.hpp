// Keeps the definition's roles looked up. A name service may be away, or hang for minutes: nobody waits for it but a thread
// of its own, what was known last holds meanwhile, and root needs none.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

#include "runtime/access.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Accounts {
 public:
  /// `changed` is called whenever somebody may do something else than before, or there are other problems.
  Accounts(asio::io_context& loop, std::function<void()> changed);

  /// These count from now on, as soon as they are looked up.
  void follow(definitions::Roles roles);

  /// Returns when they are, or after `limit`.
  asio::awaitable<void> known(std::chrono::milliseconds limit);

  const Access& access() const { return access_; }

  /// Looks up for ever: what is followed anew at once, and now and then whether it is still so.
  asio::awaitable<void> keep();

 private:
  asio::thread_pool thread_{1};
  std::function<void()> changed_;
  definitions::Roles roles_;
  Access access_;
  std::uint64_t wanted_ = 1, known_ = 0;  // which of the calls of follow()
  asio::steady_timer again_, news_;
};

}  // namespace postmultid::runtime
