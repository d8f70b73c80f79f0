// One connection: HTTP/1.1, one request after the other, within its limits. Beast stays behind this.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <string>

#include "control/door.hpp"
#include "host/peer.hpp"
#include "model/problem.hpp"

namespace postmultid::control {

using Socket = asio::generic::stream_protocol::socket;

/// Until either end has enough.
asio::awaitable<void> converse(Socket socket, Door& door, host::Peer peer);

/// What one who is not let in gets, all of it.
std::string farewell(const model::Problem& problem);

/// What a Door has only so many of.
enum class Scarce { connections, requests, bytes, subscribers };

/// Why there is nothing left of it: for this user, or for all.
model::Problem too_many(Allowance::Full full, Scarce what, uid_t uid);

}  // namespace postmultid::control
