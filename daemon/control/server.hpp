// HTTP/1.1 on the control socket. The only file that knows Beast.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include "host/fd.hpp"
#include "model/error.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

class Server {
 public:
  Server(asio::io_context& loop, runtime::Service& service, std::string path);

  /// Takes the path and listens. Refuses if a live daemon has it; replaces what a dead one left behind.
  model::Result<void> listen();

  /// Answers until the loop ends.
  void serve();

  /// Takes the socket's name away.
  void close();

 private:
  asio::awaitable<void> accept_for_ever();

  asio::io_context& loop_;
  runtime::Service& service_;
  std::string path_;
  host::Fd lock_;  // held as long as we live: the proof for the next one
  asio::local::stream_protocol::acceptor acceptor_;
  unsigned connections_ = 0;
};

}  // namespace postmultid::control
