// A limit for asynchronous work.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "host/watch.hpp"

namespace postmultid::host {

/// The work's value, or nothing if it did not end within the limit; it is cancelled then.
template <typename T>
asio::awaitable<std::optional<T>> within(std::chrono::milliseconds limit, asio::awaitable<T> work) {
  using namespace asio::experimental::awaitable_operators;
  auto first = co_await (std::move(work) || pause(limit));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return std::nullopt;
}

}  // namespace postmultid::host
