#include "postfix/listen.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "host/fd.hpp"
#include "host/file_system.hpp"
#include "host/proc.hpp"
#include "host/sockets.hpp"
#include "postfix/endpoints.hpp"
#include "postfix/identity.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;
using model::Missing;

namespace {

// Less than this, and not even a queue file's first block can be written.
constexpr unsigned long kLeastBlocks = 16;

/// Whether this host could listen on that address: tried with a port that nobody has asked for, because a bind of the
/// endpoint itself would be the one that master fails on. A family that the kernel has not got is left out by Postfix.
bool is_local(const addrinfo& address) {
  host::Fd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT) return true;
  sockaddr_storage any_port{};
  std::memcpy(&any_port, address.ai_addr, address.ai_addrlen);
  if (address.ai_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(any_port).sin_port = 0;
  else
    reinterpret_cast<sockaddr_in6&>(any_port).sin6_port = 0;
  return socket && ::bind(socket.get(), reinterpret_cast<sockaddr*>(&any_port), address.ai_addrlen) == 0;
}

/// Why master could not listen there. `protocols` is inet_protocols.
std::optional<Fault> why_not_listen_on(const std::string& host, const std::string& protocols) {
  addrinfo hints{}, *found = nullptr;
  bool all = protocols.find("all") != std::string::npos;
  bool ipv4 = all || protocols.find("ipv4") != std::string::npos,
       ipv6 = all || protocols.find("ipv6") != std::string::npos;
  hints.ai_family = ipv4 == ipv6 ? AF_UNSPEC : ipv4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
    return Fault{FailureClass::environment, "name-not-resolved",
                 "is no address of inet_protocols (" + protocols + ") and cannot be resolved", "getent ahosts " + host,
                 Missing::name};
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  for (const addrinfo* each = found; each; each = each->ai_next)
    if (!is_local(*each))
      return Fault{FailureClass::environment, "no-such-address", "is no address of this host", "ip -brief address",
                   Missing::address};
  return std::nullopt;
}

/// Postfix programs can listen beside each other (SO_REUSEPORT, since 3.6): no such process keeps a master from starting.
bool lets_others_in(const Instance& instance, pid_t holder) {
  int major = 0, minor = 0;
  bool shares = std::sscanf(instance.mail_version.c_str(), "%d.%d", &major, &minor) == 2 &&
                (major > 3 || (major == 3 && minor >= 6));
  return shares && std::filesystem::path(host::executable(holder)).parent_path() == real_daemon_directory(instance);
}

}  // namespace

bool is_address_of_this_host(const std::string& address) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(address.c_str(), nullptr, &hints, &found) != 0) return false;
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  return is_local(*found);
}

std::optional<Fault> lacks_address(const Instance& instance) {
  auto asked = endpoints(instance);
  bool by_interfaces = std::any_of(asked.begin(), asked.end(), [](const Endpoint& each) { return each.host.empty(); });
  if (by_interfaces)
    for (std::string host : split_words(instance.inet_interfaces)) {
      if (host == "all" || host == "loopback-only") continue;
      if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
      auto why = why_not_listen_on(host, instance.inet_protocols);
      if (!why) continue;
      why->message = instance.config_directory + "/main.cf: inet_interfaces: " + host + " " + why->message;
      return why;
    }
  for (const Endpoint& endpoint : asked) {
    auto why = endpoint.host.empty() ? std::nullopt : why_not_listen_on(endpoint.host, instance.inet_protocols);
    if (!why) continue;
    why->message =
        instance.config_directory + "/master.cf: " + endpoint.host + " (in " + endpoint.service + ") " + why->message;
    return why;
  }
  return std::nullopt;
}

std::optional<Fault> lacks_port(const Instance& instance, pid_t master) {
  std::string file = instance.config_directory + "/master.cf: ";
  for (const std::string& service : without_port(instance))
    return Fault{FailureClass::config, "no-such-service",
                 file + service + " is no port and no service in /etc/services", "getent services " + service};
  auto sockets = host::listening_sockets();
  if (!sockets) return Fault{FailureClass::environment, "not-examined", sockets.error().message, ""};
  auto held = master ? host::held_by(master, *sockets) : std::vector<host::ListeningSocket>{};
  auto missing = unserved(instance, held);
  for (const Endpoint& endpoint : endpoints(instance)) {
    if (std::find(missing.begin(), missing.end(), endpoint.service) == missing.end()) continue;
    for (const host::ListeningSocket& socket : *sockets) {
      if (!endpoint.served_by(socket)) continue;
      host::Holder holder = host::holder_of(socket);
      if (holder.pid && lets_others_in(instance, holder.pid)) continue;
      return Fault{FailureClass::environment,
                   "port-in-use",
                   file + endpoint.service + ": " + socket.endpoint() + " is in use by " + holder.text(),
                   "ss -lntp",
                   Missing::port,
                   holder.pid};
    }
  }
  return std::nullopt;
}

std::optional<Fault> lacks_space(const Instance& instance) {
  for (const std::string& directory : {instance.queue_directory, instance.data_directory}) {
    auto room = host::file_system(directory);
    if (!room) continue;
    const char* what = room->free_blocks < kLeastBlocks ? "no free space"
                       : room->free_inodes == 0u        ? "no free inode"
                                                        : nullptr;
    if (what)
      return Fault{FailureClass::environment, "no-space", directory + ": " + what + " on its file system",
                   "df -h " + directory + "; df -i " + directory, Missing::space};
  }
  return std::nullopt;
}

}  // namespace postmultid::postfix
