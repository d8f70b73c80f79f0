// The control socket: whose it is, how the next daemon gets it, and who is let in.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "control/audit.hpp"
#include "control/desk.hpp"
#include "control/door.hpp"
#include "control/loopback.hpp"
#include "host/fd.hpp"
#include "model/error.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

class Server {
 public:
  Server(asio::io_context& loop, runtime::Service& service, std::string path);

  /// Takes the path and listens: with the socket that an earlier daemon has had kept, so that who has connected to that
  /// meanwhile is answered, or with a new one. Refuses if a live daemon has it; replaces what a dead one left behind.
  /// `in_place_of_kept`: what seems to live there may be a socket that is kept and not given to us; it is replaced.
  model::Result<void> listen(bool in_place_of_kept);

  /// Answers until the loop ends.
  void serve();

  /// Takes no more connections, which wait for the next daemon where the socket is kept, and returns when nobody waits for
  /// an answer any more, or after `limit`.
  asio::awaitable<void> finish(std::chrono::milliseconds limit);

  /// Nobody is to come any more: takes the socket's name away.
  void close();

 private:
  model::Result<bool> take_kept();
  model::Result<void> bind(bool in_place_of_kept);

  asio::io_context& loop_;
  std::string path_;
  host::Fd lock_;  // held as long as we live: the proof for the next one
  std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor_;
  Traffic traffic_;
  Audit audit_;
  Desk desk_;
  Door door_;
  Loopback loopback_;
};

}  // namespace postmultid::control
