// The kernel's lists of listening sockets (sock_diag(7)): TCP and Unix, of this network namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "model/error.hpp"

namespace postmultid::host {

struct ListeningSocket {
  std::uint64_t inode = 0;
  std::string address;  // "*" for a wildcard, else as inet_ntop writes it
  std::uint16_t port = 0;
  std::uint32_t waiting = 0;  // connections that nobody has accepted yet
  bool ipv6 = false;          // its family; a wildcard may take IPv4 as well

  /// "*:25", "127.0.0.1:25", "[::1]:25"
  std::string endpoint() const;
};

model::Result<std::vector<ListeningSocket>> listening_sockets();

struct ListeningUnixSocket {
  std::uint64_t inode = 0;
  std::string name;  // as it was bound: for a relative path nobody knows to which directory
  std::uint32_t waiting = 0;
};

model::Result<std::vector<ListeningUnixSocket>> listening_unix_sockets();

/// Who has a socket open.
struct Holder {
  pid_t pid = 0;             // 0: not known
  std::string text() const;  // for a message: "process 42 (/usr/sbin/exim4)"
};

/// Walks /proc.
Holder holder_of(const ListeningSocket& socket);

/// The sockets that a process has open, by inode.
std::set<std::uint64_t> open_sockets(pid_t pid);

/// Those of them that this process has open.
std::vector<ListeningSocket> held_by(pid_t pid, const std::vector<ListeningSocket>& sockets);

}  // namespace postmultid::host
