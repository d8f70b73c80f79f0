#include "host/sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "host/fd.hpp"
#include "host/proc.hpp"

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

ListeningSocket decode(const inet_diag_msg& message) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(message.idiag_family, message.id.idiag_src, text.data(), text.size());
  std::string address = text.data();
  bool any = address == "0.0.0.0" || address == "::";
  return {message.idiag_inode, any ? "*" : address, ntohs(message.id.idiag_sport)};
}

Result<void> dump(int netlink, std::uint8_t family, std::vector<ListeningSocket>& found) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } query{};
  query.header.nlmsg_len = sizeof(query);
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  query.request.sdiag_family = family;
  query.request.sdiag_protocol = IPPROTO_TCP;
  query.request.idiag_states = 1u << TCP_LISTEN;
  if (::send(netlink, &query, sizeof(query), 0) < 0) return std::unexpected(system_error("sock_diag: send"));

  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (;;) {
    ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (got < 0) return std::unexpected(system_error("sock_diag: recv"));
    auto left = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR) return model::failure("sock_diag: refused by the kernel");
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
      inet_diag_msg message;
      std::memcpy(&message, NLMSG_DATA(header), sizeof(message));
      found.push_back(decode(message));
    }
  }
}

}  // namespace

std::string ListeningSocket::endpoint() const {
  bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<std::vector<ListeningSocket>> listening_sockets() {
  Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return std::unexpected(system_error("sock_diag: socket"));
  std::vector<ListeningSocket> found;
  for (std::uint8_t family : {AF_INET, AF_INET6})
    if (auto dumped = dump(netlink.get(), family, found); !dumped) return std::unexpected(dumped.error());
  return found;
}

std::string Holder::text() const {
  return pid ? "process " + std::to_string(pid) + " (" + executable(pid) + ")" : "somebody";
}

Holder holder_of(const ListeningSocket& socket) {
  for (pid_t pid : all_processes())
    if (!held_by(pid, {socket}).empty()) return {pid};
  return {};
}

std::vector<ListeningSocket> held_by(pid_t pid, const std::vector<ListeningSocket>& sockets) {
  std::set<std::uint64_t> open;
  for (const OpenFile& file : open_files(pid))
    if (auto inode = socket_inode(file.target)) open.insert(*inode);
  std::vector<ListeningSocket> held;
  std::copy_if(sockets.begin(), sockets.end(), std::back_inserter(held),
               [&](const ListeningSocket& socket) { return open.contains(socket.inode); });
  return held;
}

}  // namespace postmultid::host
