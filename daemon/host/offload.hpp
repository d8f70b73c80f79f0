// Work that may touch a slow disk, away from the event loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace postmultid::host {

namespace asio = boost::asio;

template <typename Work>
asio::awaitable<std::invoke_result_t<Work>> run_there(Work work) {
  co_return work();
}

/// Runs `work()` in a thread of the pool and returns its value to the awaiting coroutine's own executor. `work` owns
/// all that it uses: when the coroutine is cancelled, the thread goes on to the end of the work.
template <typename Work>
asio::awaitable<std::invoke_result_t<Work>> offload(asio::thread_pool& pool, Work work) {
  // A strand of its own: a cancellation is dispatched there, too, and must not meet the work in another thread.
  auto executor = asio::make_strand(pool.get_executor());
  co_return co_await asio::co_spawn(executor, run_there(std::move(work)), asio::use_awaitable);
}

}  // namespace postmultid::host
