// Who is at the other end of a Unix socket, as the kernel says: as it was when they connected.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace postmultid::host {

struct Peer {
  pid_t pid = 0;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  std::vector<gid_t> groups;  // supplementary
  std::string command;  // the process's name (comm), for people to read: it can choose that itself; empty if it is gone
};

/// Of a connected Unix socket (SO_PEERCRED, SO_PEERGROUPS). What cannot be told stays as it is by default: nobody.
Peer peer_of(int socket);

}  // namespace postmultid::host
