#include "host/sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
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
  return {message.idiag_inode, any ? "*" : address, ntohs(message.id.idiag_sport), message.idiag_rqueue,
          message.idiag_family == AF_INET6};
}

/// `length` bytes of attributes behind the message.
ListeningUnixSocket decode(const unix_diag_msg& message, const rtattr* attributes, int length) {
  ListeningUnixSocket socket{message.udiag_ino, "", 0};
  for (const rtattr* each = attributes; RTA_OK(each, length); each = RTA_NEXT(each, length)) {
    std::string_view value(static_cast<const char*>(RTA_DATA(each)), RTA_PAYLOAD(each));
    if (each->rta_type == UNIX_DIAG_NAME) socket.name = value.substr(0, value.find('\0'));
    unix_diag_rqlen queue{};
    if (each->rta_type == UNIX_DIAG_RQLEN && value.size() >= sizeof(queue)) {
      std::memcpy(&queue, value.data(), sizeof(queue));
      socket.waiting = queue.udiag_rqueue;
    }
  }
  return socket;
}

/// Asks the kernel for a list; `take` gets each answer of type Message.
template <typename Message, typename Request, typename Take>
Result<void> dump(int netlink, const Request& request, Take take) {
  struct {
    nlmsghdr header;
    Request request;
  } query{{}, request};
  query.header.nlmsg_len = sizeof(query);
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
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
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(Message))) continue;
      Message message;
      std::memcpy(&message, NLMSG_DATA(header), sizeof(message));
      auto* behind =
          reinterpret_cast<const rtattr*>(static_cast<const char*>(NLMSG_DATA(header)) + NLMSG_ALIGN(sizeof(Message)));
      take(message, behind, static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Message)))));
    }
  }
}

Fd open_netlink() { return Fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)); }

}  // namespace

std::string ListeningSocket::endpoint() const {
  bool bare = address.find(':') != std::string::npos;
  return (bare ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<std::vector<ListeningSocket>> listening_sockets() {
  Fd netlink = open_netlink();
  if (!netlink) return std::unexpected(system_error("sock_diag: socket"));
  std::vector<ListeningSocket> found;
  for (std::uint8_t family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 request{};
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = 1u << TCP_LISTEN;
    auto take = [&](const inet_diag_msg& message, const rtattr*, int) { found.push_back(decode(message)); };
    if (auto dumped = dump<inet_diag_msg>(netlink.get(), request, take); !dumped)
      return std::unexpected(dumped.error());
  }
  return found;
}

Result<std::vector<ListeningUnixSocket>> listening_unix_sockets() {
  Fd netlink = open_netlink();
  if (!netlink) return std::unexpected(system_error("sock_diag: socket"));
  std::vector<ListeningUnixSocket> found;
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = 1u << TCP_LISTEN;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN;
  auto take = [&](const unix_diag_msg& message, const rtattr* attributes, int length) {
    found.push_back(decode(message, attributes, length));
  };
  if (auto dumped = dump<unix_diag_msg>(netlink.get(), request, take); !dumped) return std::unexpected(dumped.error());
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

std::set<std::uint64_t> open_sockets(pid_t pid) {
  std::set<std::uint64_t> open;
  for (const OpenFile& file : open_files(pid))
    if (auto inode = socket_inode(file.target)) open.insert(*inode);
  return open;
}

std::vector<ListeningSocket> held_by(pid_t pid, const std::vector<ListeningSocket>& sockets) {
  auto open = open_sockets(pid);
  std::vector<ListeningSocket> held;
  std::copy_if(sockets.begin(), sockets.end(), std::back_inserter(held),
               [&](const ListeningSocket& socket) { return open.contains(socket.inode); });
  return held;
}

}  // namespace postmultid::host
