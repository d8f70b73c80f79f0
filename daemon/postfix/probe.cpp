#include "postfix/probe.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "host/deadline.hpp"
#include "host/file_system.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/sockets.hpp"
#include "postfix/banner.hpp"
#include "postfix/endpoints.hpp"
#include "postfix/listen.hpp"
#include "postfix/services.hpp"
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

/// master goes on holding its socket when its address is taken from the host: nobody can come to it.
Check look_at_addresses(Listening listening) {
  for (const std::string& endpoint : listening.endpoints) {
    std::string address = endpoint.substr(0, endpoint.rfind(':'));
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    if (address == "*" || is_address_of_this_host(address) || listening.check.ok == false) continue;
    return Check{"listeners", false, endpoint + ": " + address + " is no address of this host any more", false};
  }
  return listening.check;
}

Check look_at_master(const Instance& instance, pid_t pid) {
  auto master = prove(instance, pid);
  if (!master) return {"master", false, master.error().message};
  std::string who = "pid " + std::to_string(pid);
  char state = host::process_stat(pid).value_or(host::ProcessStat{}).state;
  if (state == 'T' || state == 't')
    return {"master", false, who + " is stopped by a signal: nothing is begun or ended until somebody continues it"};
  if (state == 'D')
    return {"master", false, who + " hangs in uninterruptible sleep: is a disk or a network file system gone?", false};
  return {"master", true, who};
}

/// Postfix takes no mail where it is not sure of its room (docs/postfix-facts.md, "Queue").
Check look_at_queue(const Instance& instance) {
  auto bad = [](std::string why) { return Check{"queue", false, std::move(why), false}; };
  if (auto none = lacks_space(instance)) return bad(none->message);
  auto room = host::file_system(instance.queue_directory);
  if (!room) return {"queue", std::nullopt, instance.queue_directory + " cannot be looked at"};
  if (room->read_only) return bad(instance.queue_directory + ": its file system is read-only");
  if (room->free_bytes < instance.queue_minfree)
    return bad(instance.queue_directory + ": less than queue_minfree is free, so mail is refused");
  if (room->free_bytes < instance.message_size_limit + instance.message_size_limit / 2)
    return bad(instance.queue_directory + ": less than 1.5 times message_size_limit is free, so mail is refused");
  return {"queue", true, ""};
}

/// What a start has to bring about.
asio::awaitable<Readiness> readiness(Tools& tools, Instance instance, pid_t pid) {
  Readiness seen;
  seen.checks.push_back({"master", true, "pid " + std::to_string(pid)});
  seen.checks.push_back(co_await check("qmgr", ask_qmgr(instance)));
  seen.checks.push_back(co_await check("showq", ask_showq(instance)));
  auto look_at_sockets = [instance, pid] { return look_at_listeners(instance, pid); };
  Listening listening = co_await host::offload(tools.pool(), std::move(look_at_sockets));
  seen.checks.push_back(std::move(listening.check));
  seen.listeners = std::move(listening.endpoints);
  co_return seen;
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

asio::awaitable<Readiness> look(Tools& tools, Instance instance, pid_t pid, bool showq, bool banners) {
  auto look_around = [instance, pid] {
    Listening listening = look_at_listeners(instance, pid);
    return Readiness{{look_at_master(instance, pid), look_at_services(instance, pid), look_at_addresses(listening),
                      look_at_queue(instance)},
                     listening.endpoints};
  };
  Readiness seen = co_await host::offload(tools.lookers(), std::move(look_around));
  // After that: whose directory hangs never comes so far as to open a socket in it from the event loop.
  seen.checks.push_back(co_await check("qmgr", ask_qmgr(instance)));
  if (showq) seen.checks.push_back(co_await check("showq", ask_showq(instance)));
  if (!banners || instance.inet_services().empty()) co_return seen;
  auto look_at_sockets = [pid] {
    auto sockets = host::listening_sockets();
    return sockets ? host::held_by(pid, *sockets) : std::vector<host::ListeningSocket>{};
  };
  auto held = co_await host::offload(tools.lookers(), std::move(look_at_sockets));
  seen.checks.push_back(co_await ask_for_banners(instance, std::move(held)));
  co_return seen;
}

asio::awaitable<std::expected<Readiness, Fault>> await_ready(Tools& tools, Instance instance, pid_t pid,
                                                             milliseconds limit) {
  auto give_up = steady_clock::now() + limit;
  for (milliseconds wait(2);; wait = std::min(wait * 2, milliseconds(250))) {
    Readiness seen = co_await readiness(tools, instance, pid);
    const Check* missing = nullptr;
    for (const Check& each : seen.checks)
      if (!missing && each.ok == false) missing = &each;
    if (!missing) co_return seen;
    if (steady_clock::now() + wait > give_up)
      co_return std::unexpected(
          Fault{FailureClass::crash, "not-ready", missing->name + " is not ready: " + missing->detail, ""});
    co_await host::pause(wait);
  }
}

}  // namespace postmultid::postfix
