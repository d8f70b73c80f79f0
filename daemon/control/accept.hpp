// Lets connections in by a door, as long as there is room.
#pragma once

#include <sys/resource.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "control/connection.hpp"
#include "control/door.hpp"

namespace postmultid::control {

/// What becomes of somebody who has just connected. Takes the socket over.
void let_in(asio::io_context& loop, Socket socket, Door& door, host::Peer peer);

/// Nobody can be let in, for want of descriptors most likely: makes room, and waits a little.
asio::awaitable<void> make_room(Door& door, boost::system::error_code why);

/// Until the acceptor is closed or cancelled. `peer_of`: who is at the other end of a descriptor.
template <typename Protocol>
asio::awaitable<void> accept_for_ever(asio::io_context& loop,
                                      std::shared_ptr<asio::basic_socket_acceptor<Protocol>> from, Door& door,
                                      host::Peer (*peer_of)(int)) {
  for (;;) {
    boost::system::error_code error;
    auto socket = co_await from->async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || !from->is_open()) co_return;
    if (error) {
      co_await make_room(door, error);
      continue;
    }
    host::Peer peer = peer_of(socket.native_handle());
    let_in(loop, Socket(std::move(socket)), door, std::move(peer));
  }
}

}  // namespace postmultid::control
