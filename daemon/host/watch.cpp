#include "host/watch.hpp"

#include <fcntl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postmultid::host {

namespace {

constexpr std::chrono::milliseconds kLookAgain{50};

}  // namespace

asio::awaitable<void> ended(const Process& process) {
  int duplicate = ::fcntl(process.pidfd(), F_DUPFD_CLOEXEC, 3);
  // Out of descriptors: it is seen a little later, but it is seen.
  while (duplicate < 0 && process.alive()) {
    co_await pause(kLookAgain);
    duplicate = ::fcntl(process.pidfd(), F_DUPFD_CLOEXEC, 3);
  }
  if (duplicate < 0) co_return;
  asio::posix::stream_descriptor exit(co_await asio::this_coro::executor, duplicate);
  // Looked at again after every wake-up: too much hangs on it to believe a poller.
  do {
    co_await exit.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  } while (process.alive());
}

asio::awaitable<void> pause(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace postmultid::host
