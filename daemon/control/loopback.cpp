#include "control/loopback.hpp"

#include <utility>

#include "control/accept.hpp"
#include "host/log.hpp"

namespace postmultid::control {

using asio::ip::tcp;

namespace {

// Some scrapers and whoever tries it out by hand. All are nobody here, so one "user" may have all.
constexpr std::size_t kBodies = 64 * 1024;
constexpr DoorLimits kLimits{.connections = {64, 2 * 64, 0},
                             .requests = {16, 2 * 16, 0},
                             .subscribers = {0, 0, 0},
                             .body_bytes = {kBodies, 2 * kBodies, 0}};
// Nothing tells when whoever has the port gives it up.
constexpr std::chrono::seconds kAgain{10}, kLook{60};

host::Peer nobody(int) { return {}; }

}  // namespace

Loopback::Loopback(asio::io_context& loop, runtime::Service& service, Audit& audit, Traffic& traffic, Desk& desk)
    : loop_(loop), door_(service, audit, traffic, desk, kLimits) {}

asio::awaitable<void> Loopback::follow() {
  auto text_of = [](const auto& where) { return where ? where->text() : ""; };
  while (!finishing_) {
    auto wanted = door_.service.listen();
    if (text_of(wanted) != text_of(door_.loopback)) {
      close();
      door_.loopback = std::move(wanted);
      if (!door_.loopback) door_.service.cannot_listen("");
    }
    if (door_.loopback && !acceptor_) open();
    auto until = door_.loopback && !acceptor_ ? kAgain : kLook;
    co_await door_.service.changed(until);
  }
}

void Loopback::finish() {
  finishing_ = true;
  if (acceptor_) close();
}

void Loopback::open() {
  boost::system::error_code error;
  tcp::endpoint where(asio::ip::make_address(door_.loopback->host, error), door_.loopback->port);
  auto acceptor = std::make_shared<tcp::acceptor>(loop_);
  if (!error) acceptor->open(where.protocol(), error);
  if (!error)
    acceptor->set_option(tcp::acceptor::reuse_address(true), error);  // beside what is left of old connections
  if (!error) acceptor->bind(where, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    door_.service.cannot_listen("daemon: listen: " + door_.loopback->text().substr(6) + ": " + error.message() +
                                "; metrics are only on the control socket. It is tried again");
    return;
  }
  acceptor_ = std::move(acceptor);
  door_.service.cannot_listen("");
  host::log(host::Level::notice, "metrics and health are told on " + door_.loopback->text() + ", too");
  asio::co_spawn(loop_, accept_for_ever<tcp>(loop_, acceptor_, door_, nobody), [](std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
  });
}

void Loopback::close() {
  if (acceptor_) acceptor_->close();
  acceptor_ = nullptr;
  door_.idle.close_all();
}

}  // namespace postmultid::control
