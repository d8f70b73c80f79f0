#include "host/watch.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postmultid::host {

asio::awaitable<void> ended(const Process& process) {
  asio::posix::stream_descriptor exit(co_await asio::this_coro::executor, ::dup(process.pidfd()));
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
