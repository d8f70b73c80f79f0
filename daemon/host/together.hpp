// Many waits at once, but not all of them.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <vector>

namespace postmultid::host {

/// Awaits one(0) to one(count - 1), each an awaitable<void>, `at_once` of them at a time. Ends when all have; throws what the
/// first of them has thrown.
template <typename One>
boost::asio::awaitable<void> together(std::size_t count, std::size_t at_once, One one) {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  for (std::size_t begin = 0; begin < count; begin += at_once) {
    using Job = decltype(asio::co_spawn(executor, one(begin), asio::deferred));
    std::vector<Job> jobs;
    for (std::size_t i = begin; i < std::min(begin + at_once, count); ++i)
      jobs.push_back(asio::co_spawn(executor, one(i), asio::deferred));
    auto group = asio::experimental::make_parallel_group(std::move(jobs));
    auto [order, thrown] = co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (std::size_t each : order)
      if (thrown[each]) std::rethrow_exception(thrown[each]);
  }
}

}  // namespace postmultid::host
