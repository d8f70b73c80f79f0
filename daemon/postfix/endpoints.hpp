// The TCP endpoints that an instance's master.cf asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/sockets.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

struct Endpoint {
  std::string service;  // as in master.cf: "smtp", "127.0.0.1:10026"
  std::string host;     // empty: inet_interfaces decides
  std::uint16_t port = 0;

  /// Whether a socket is where master listens for this service (or, being somebody else's, keeps it from binding).
  bool served_by(const host::ListeningSocket& socket) const;
};

/// Reads the services database (getservbyname). A service whose port is unknown is left out: master refuses it.
std::vector<Endpoint> endpoints(const Instance& instance);

/// Those left out.
std::vector<std::string> without_port(const Instance& instance);

/// The services of the instance that none of these sockets serves.
std::vector<std::string> unserved(const Instance& instance, const std::vector<host::ListeningSocket>& held);

/// The sockets as a person reads them: sorted, each once (IPv4 and IPv6 wildcards are one "*:25").
std::vector<std::string> display(const std::vector<host::ListeningSocket>& held);

}  // namespace postmultid::postfix
