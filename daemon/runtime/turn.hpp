// One at a time: who changes the set of instances, or their files, takes the turn first and has it until he lets go of it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace postmultid::runtime {

namespace asio = boost::asio;

/// For the event loop only. It has to outlive all who have or await it.
class Turn {
 public:
  explicit Turn(const asio::any_io_executor& executor) : free_(executor, asio::steady_timer::time_point::max()) {}

  /// The turn, as long as this lives; null: somebody else has had it all that time. They come in the order in which they ask.
  using Held = std::shared_ptr<void>;

  asio::awaitable<Held> take(std::chrono::steady_clock::duration limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    const std::uint64_t mine = last_asked_++;
    waiting_.push_back(mine);
    // Whoever is cancelled waits no more.
    std::shared_ptr<void> until_served(nullptr, [this, mine](void*) {
      std::erase(waiting_, mine);
      wake();
    });
    while (taken_ || waiting_.front() != mine) {
      if (std::chrono::steady_clock::now() >= end) co_return nullptr;
      asio::steady_timer timer(free_.get_executor(), end);
      using namespace asio::experimental::awaitable_operators;
      boost::system::error_code by_change, by_time;
      co_await (free_.async_wait(asio::redirect_error(asio::use_awaitable, by_change)) ||
                timer.async_wait(asio::redirect_error(asio::use_awaitable, by_time)));
    }
    taken_ = true;
    co_return Held(this, [this](void*) {
      taken_ = false;
      wake();
    });
  }

 private:
  /// All who wait look again.
  void wake() { free_.expires_at(asio::steady_timer::time_point::max()); }

  bool taken_ = false;
  std::uint64_t last_asked_ = 0;
  std::vector<std::uint64_t> waiting_;
  asio::steady_timer free_;
};

}  // namespace postmultid::runtime
