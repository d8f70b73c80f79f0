#include "host/peer.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <optional>

#include "host/fd.hpp"
#include "host/proc.hpp"

#ifndef SO_PEERPIDFD  // Linux 6.5; Debian 12's headers are older
#define SO_PEERPIDFD 77
#endif

namespace postmultid::host {

namespace {

std::vector<gid_t> groups_of(int socket) {
  std::vector<gid_t> groups(32);
  for (int tries = 0; tries < 2; ++tries) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    bool told = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    bool too_small = !told && errno == ERANGE;  // the kernel has written how much it needs
    groups.resize(told || too_small ? size / sizeof(gid_t) : 0);
    if (!too_small) return groups;
  }
  return {};
}

/// A pid is only a number: what was read by it is of that process as long as that has not ended. Where the kernel does not
/// give its pidfd nothing better is known.
std::string command_of(pid_t pid, int socket) {
  int fd = -1;
  socklen_t size = sizeof(fd);
  bool sure = ::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0;
  if (!sure && errno != ENOPROTOOPT) return "";  // it is gone
  Fd process(sure ? fd : -1);
  std::string name = read_small_file("/proc/" + std::to_string(pid) + "/comm", 64).value_or("");
  pollfd ended{process.get(), POLLIN, 0};
  if (sure && ::poll(&ended, 1, 0) != 0) return "";
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

}  // namespace

Peer peer_of(int socket) {
  Peer peer;
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return peer;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.groups = groups_of(socket);
  peer.command = command_of(peer.pid, socket);
  return peer;
}

}  // namespace postmultid::host
