// The second way in, where the definition wants it: metrics and health over TCP, for a Prometheus on this host that does
// not know Unix sockets. Read-only, and the loopback only: nobody can tell who asks there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "control/door.hpp"

namespace postmultid::control {

class Loopback {
 public:
  Loopback(asio::io_context& loop, runtime::Service& service, Audit& audit, Traffic& traffic, Desk& desk);

  /// Listens where the definition says, for ever: elsewhere, or nowhere, as soon as it says so. What cannot be listened on
  /// is told, and tried again.
  asio::awaitable<void> follow();

  /// Takes no more connections.
  void finish();

 private:
  void open();
  void close();

  asio::io_context& loop_;
  Door door_;
  std::shared_ptr<asio::ip::tcp::acceptor> acceptor_;  // null: nobody listens
  bool finishing_ = false;
};

}  // namespace postmultid::control
