#include "runtime/accounts.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "host/offload.hpp"

namespace postmultid::runtime {

namespace {

// Nothing tells when a user or a group changes. Sooner where somebody is missing: a directory service comes up after us.
constexpr std::chrono::seconds kAgain{300}, kAgainSoon{30};

}  // namespace

Accounts::Accounts(asio::io_context& loop, std::function<void()> changed)
    : changed_(std::move(changed)), again_(loop), news_(loop) {}

void Accounts::follow(definitions::Roles roles) {
  roles_ = std::move(roles);
  ++wanted_;
  again_.cancel();
}

asio::awaitable<void> Accounts::known(std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (known_ != wanted_ && std::chrono::steady_clock::now() < end) {
    news_.expires_at(end);
    boost::system::error_code cancelled;
    co_await news_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

asio::awaitable<void> Accounts::keep() {
  for (;;) {
    std::uint64_t looked_up = wanted_;
    auto look = [roles = roles_] { return resolve(roles); };
    Access fresh = co_await host::offload(thread_, std::move(look));
    bool other = fresh != access_;
    access_ = std::move(fresh);
    known_ = looked_up;
    news_.cancel();
    if (other) changed_();
    if (known_ != wanted_) continue;
    again_.expires_after(access_.problems.empty() ? kAgain : kAgainSoon);
    boost::system::error_code cancelled;
    co_await again_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

}  // namespace postmultid::runtime
