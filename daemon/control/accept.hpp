// Lets connections in by a door, as long as there is room.
#pragma once

#include <sys/resource.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "control/connection.hpp"
#include "control/door.hpp"

namespace postmultid::control {

/// Who is at the other end of a descriptor.
using PeerOf = host::Peer (*)(int);

/// How many that wait are let in before anybody else has their turn.
constexpr unsigned kAtATime = 64;

/// What becomes of somebody who has just connected. Takes the socket over.
void let_in(asio::io_context& loop, Socket socket, Door& door, PeerOf peer_of);

/// Nobody can be let in, for want of descriptors most likely: makes room, and waits a little. `told_at`: when that was logged
/// last, which is enough for a minute.
asio::awaitable<void> make_room(Door& door, boost::system::error_code why,
                                std::optional<std::chrono::steady_clock::time_point>& told_at);

/// Until the acceptor is closed or cancelled.
template <typename Protocol>
asio::awaitable<void> accept_for_ever(asio::io_context& loop,
                                      std::shared_ptr<asio::basic_socket_acceptor<Protocol>> from, Door& door,
                                      PeerOf peer_of) {
  std::optional<std::chrono::steady_clock::time_point> told_at;
  boost::system::error_code error;
  from->non_blocking(true, error);
  for (;;) {
    auto first = co_await from->async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || !from->is_open()) co_return;
    if (error) {
      co_await make_room(door, error, told_at);
      continue;
    }
    let_in(loop, Socket(std::move(first)), door, peer_of);
    // One in each turn of the loop would keep who comes after a crowd waiting for as many turns, and root is one of those.
    for (unsigned more = 1; more < kAtATime; ++more) {
      auto next = from->accept(error);
      if (error) break;
      let_in(loop, Socket(std::move(next)), door, peer_of);
    }
    if (door.traffic.finishing) co_return;  // the cancellation has met nobody waiting
  }
}

}  // namespace postmultid::control
