#include "postfix/probe.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "host/sockets.hpp"
#include "postfix/endpoints.hpp"
#include "postfix/trigger.hpp"

namespace postmultid::postfix {

using asio::local::stream_protocol;
using model::Check;
using model::FailureClass;
using model::Fault;
using model::Readiness;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// showq may have to be forked first; a trigger server answers in well under a millisecond, or it hangs.
constexpr std::chrono::seconds kAnswerLimit{5};
constexpr int kDoubtfulLooks = 15;
constexpr milliseconds kDoubtPause{100};

/// Empty if showq greets, else why not.
asio::awaitable<std::string> ask_showq(Instance instance) {
  PublicSocket address(instance, instance.showq_service);
  stream_protocol::socket socket(co_await asio::this_coro::executor);
  boost::system::error_code error;
  co_await socket.async_connect(address.endpoint(), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return "connect: " + error.message();
  // The server speaks first: a protocol name since 3.6, before that the first message or the end of the list.
  std::array<char, 64> greeting;
  std::size_t got =
      co_await socket.async_read_some(asio::buffer(greeting), asio::redirect_error(asio::use_awaitable, error));
  co_return got > 0 ? "" : "no greeting: " + error.message();
}

/// Empty if qmgr answers a trigger that asks for nothing, else why not.
asio::awaitable<std::string> ask_qmgr(Instance instance) {
  std::string nothing(1, '\0');
  co_return co_await trigger(instance, instance.qmgr_service, std::move(nothing));
}

asio::awaitable<Check> check(std::string name, asio::awaitable<std::string> question) {
  auto problem = co_await host::within(kAnswerLimit, std::move(question));
  if (!problem) co_return Check{std::move(name), false, "no answer within 5 s"};
  co_return Check{std::move(name), problem->empty(), *problem};
}

struct Listening {
  Check check;
  std::vector<std::string> endpoints;
};

Listening look_at_listeners(const Instance& instance, pid_t pid) {
  auto sockets = host::listening_sockets();
  if (!sockets) return {Check{"listeners", std::nullopt, sockets.error().message}, {}};
  auto held = host::held_by(pid, *sockets);
  std::string missing;
  for (const std::string& service : unserved(instance, held)) missing += (missing.empty() ? "no " : ", ") + service;
  return {Check{"listeners", missing.empty(), missing}, display(held)};
}

}  // namespace

asio::awaitable<std::expected<std::optional<Master>, Fault>> examine(Tools& tools, Instance instance) {
  for (int looks = 1;; ++looks) {
    auto look_for_it = [instance] { return find_master(instance); };
    auto found = co_await host::offload(tools.pool(), std::move(look_for_it));
    if (found || looks == kDoubtfulLooks) co_return found;
    co_await host::pause(kDoubtPause);
  }
}

asio::awaitable<std::expected<Master, Fault>> await_master(Tools& tools, Instance instance, milliseconds limit) {
  auto give_up = steady_clock::now() + limit;
  for (milliseconds wait(2);; wait = std::min(wait * 2, milliseconds(100))) {
    auto look_for_it = [instance] { return find_master(instance); };
    auto found = co_await host::offload(tools.pool(), std::move(look_for_it));
    if (found && *found) co_return std::move(**found);
    if (steady_clock::now() + wait > give_up)
      co_return std::unexpected(
          found ? Fault{FailureClass::crash, "no-master",
                        "master -w succeeded, but no process holds the lock on " + instance.pid_file(), ""}
                : found.error());
    co_await host::pause(wait);
  }
}

asio::awaitable<Readiness> look(Tools& tools, Instance instance, pid_t pid) {
  Readiness readiness;
  readiness.checks.push_back({"master", true, "pid " + std::to_string(pid)});
  readiness.checks.push_back(co_await check("qmgr", ask_qmgr(instance)));
  readiness.checks.push_back(co_await check("showq", ask_showq(instance)));
  auto look_at_sockets = [instance, pid] { return look_at_listeners(instance, pid); };
  Listening listening = co_await host::offload(tools.pool(), std::move(look_at_sockets));
  readiness.checks.push_back(std::move(listening.check));
  readiness.listeners = std::move(listening.endpoints);
  co_return readiness;
}

asio::awaitable<std::expected<Readiness, Fault>> await_ready(Tools& tools, Instance instance, pid_t pid,
                                                             milliseconds limit) {
  auto give_up = steady_clock::now() + limit;
  for (milliseconds wait(2);; wait = std::min(wait * 2, milliseconds(250))) {
    Readiness readiness = co_await look(tools, instance, pid);
    const Check* missing = nullptr;
    for (const Check& each : readiness.checks)
      if (!missing && each.ok == false) missing = &each;
    if (!missing) co_return readiness;
    if (steady_clock::now() + wait > give_up)
      co_return std::unexpected(
          Fault{FailureClass::crash, "not-ready", missing->name + " is not ready: " + missing->detail, ""});
    co_await host::pause(wait);
  }
}

}  // namespace postmultid::postfix
