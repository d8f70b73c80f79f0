// What a client sees first: the banner of each smtpd(8) and postscreen(8). That master listens says little of the program that is
// to serve. Postfix logs each such client, so nobody is one every 15 seconds.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "host/sockets.hpp"
#include "model/status.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

namespace asio = boost::asio;

/// The check "banner": connects to every service that speaks first, where its master listens (`held`), and says QUIT. Takes 10 s a
/// service at most.
asio::awaitable<model::Check> ask_for_banners(Instance instance, std::vector<host::ListeningSocket> held);

}  // namespace postmultid::postfix
