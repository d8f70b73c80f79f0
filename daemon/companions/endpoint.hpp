// Where something answers when it is ready: a TCP port or a Unix socket that lets us connect. Nothing is said to it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "model/status.hpp"

namespace postmultid::companions {

namespace asio = boost::asio;

/// A path makes it a Unix socket.
struct Endpoint {
  std::string host;  // an IPv4 or IPv6 address
  std::uint16_t port = 0;
  std::string path;

  std::string text() const;
  /// As in the list of a member's listeners: "127.0.0.1:10025".
  std::string listener() const;
  bool operator==(const Endpoint&) const = default;
};

/// Asks once, for at most 2 s: a check called "ready" whose detail says where, and why not.
asio::awaitable<model::Check> ask(Endpoint endpoint);

/// Asks until it answers, at least once and at most for so long. Returns what was heard last.
asio::awaitable<model::Check> await_answer(Endpoint endpoint, std::chrono::milliseconds limit);

}  // namespace postmultid::companions
