#include "runtime/awaited_driver.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "host/watch.hpp"

namespace postmultid::runtime {

using companions::Endpoint;
using model::FailureClass;
using model::Fault;
using supervision::Exit;

namespace {

// Nothing tells that somebody begins or ceases to answer: he is asked, and may write a line about each time.
constexpr std::chrono::seconds kAskEvery{5};
// Once is no news: he may have been restarted, or his backlog full.
constexpr std::chrono::milliseconds kAskAgain{500};

std::string why_not(const Endpoint& endpoint, const model::Check& heard) {
  return heard.detail.substr(endpoint.text().size() + 2);
}

Fault unanswered(const Endpoint& endpoint, const model::Check& heard) {
  std::string hint =
      endpoint.path.empty() ? "ss -lnt sport = :" + std::to_string(endpoint.port) : "ss -lx src " + endpoint.path;
  return {FailureClass::environment, "no-answer",
          "nobody answers at " + heard.detail + " (asked every " + std::to_string(kAskEvery.count()) + " s)", hint,
          model::Missing::answer};
}

/// From when it is awaited until it does not answer any more, or is let go.
class AwaitedLife : public Life {
 public:
  AwaitedLife(const asio::any_io_executor& executor, Endpoint endpoint)
      : endpoint_(std::move(endpoint)), pause_(executor) {}

  bool over() const override { return over_; }

  asio::awaitable<Exit> ended(std::function<void()>) const override {
    Exit exit;
    for (bool doubted = false; !let_go_;) {
      milliseconds before_next = doubted ? kAskAgain : kAskEvery;
      pause_.expires_after(before_next);
      boost::system::error_code cut_short;
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, cut_short));
      if (let_go_) break;
      model::Check heard = co_await companions::ask(endpoint_);
      if (heard.ok == true) {
        doubted = false;
      } else if (!std::exchange(doubted, true)) {
        continue;
      } else if (!let_go_) {
        exit.words = "does not answer any more: " + why_not(endpoint_, heard);
        exit.missing = model::Missing::answer;
        break;
      }
    }
    over_ = true;
    co_return exit;
  }

  /// Nothing of it is ended.
  model::Result<void> end(bool) const override {
    let_go_ = true;
    pause_.cancel();
    return {};
  }

 private:
  Endpoint endpoint_;
  mutable asio::steady_timer pause_;
  mutable bool let_go_ = false, over_ = false;
};

}  // namespace

bool AwaitedDriver::needs_restart_from(const Driver& before) const {
  const auto* started = dynamic_cast<const AwaitedDriver*>(&before);
  return !started || started->endpoint_ != endpoint_;
}

asio::awaitable<Search> AwaitedDriver::find() const { co_return nullptr; }

asio::awaitable<Done> AwaitedDriver::check(bool) const { co_return Done{}; }

asio::awaitable<Done> AwaitedDriver::launch(bool) const { co_return Done{}; }

asio::awaitable<Proved> AwaitedDriver::await_life(milliseconds) const {
  auto executor = co_await asio::this_coro::executor;
  co_return std::make_shared<AwaitedLife>(executor, endpoint_);
}

asio::awaitable<Ready> AwaitedDriver::await_ready(pid_t, milliseconds limit) const {
  model::Check heard = co_await companions::await_answer(endpoint_, limit);
  if (heard.ok != true) co_return std::unexpected(unanswered(endpoint_, heard));
  model::Readiness readiness;
  readiness.listeners.push_back(endpoint_.listener());
  readiness.checks.push_back(std::move(heard));
  co_return readiness;
}

asio::awaitable<model::Readiness> AwaitedDriver::look(pid_t, Look) const {
  model::Readiness readiness;
  model::Check heard = co_await companions::ask(endpoint_);
  heard.curable = false;  // by us
  readiness.checks.push_back(std::move(heard));
  if (readiness.checks.front().ok == true) readiness.listeners.push_back(endpoint_.listener());
  co_return readiness;
}

asio::awaitable<void> AwaitedDriver::sweep(bool, pid_t, host::Processes) const { co_return; }

asio::awaitable<bool> AwaitedDriver::relieved(pid_t) const {
  for (;;) {
    co_await host::pause(kAskEvery);
    model::Check heard = co_await companions::ask(endpoint_);
    if (heard.ok == true) co_return true;
  }
}

std::vector<std::string> AwaitedDriver::serves() const { return {endpoint_.text()}; }

model::Result<std::vector<std::string>> AwaitedDriver::last_lines(std::size_t) const {
  return model::failure(name() + " is run by somebody else: postmultid only knows that it answers at " +
                        endpoint_.text());
}

}  // namespace postmultid::runtime
