// Where a companion answers, and where the daemon does. Numeric only: a name would be looked up each time, perhaps through
// the very mail host or resolver that is being started.
#include <arpa/inet.h>
#include <sys/un.h>

#include "definitions/complaint.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

const std::string kTcp = "tcp://", kUnix = "unix://";
const std::string kForms = "write tcp://127.0.0.1:PORT, tcp://[::1]:PORT or unix:///PATH";

bool is_address(int family, const std::string& text) {
  in6_addr room;
  return ::inet_pton(family, text.c_str(), &room) == 1;
}

Read<std::string> host(const std::string& text) {
  if (text.size() > 2 && text.starts_with('[') && text.ends_with(']')) {
    std::string inside = text.substr(1, text.size() - 2);
    if (is_address(AF_INET6, inside)) return inside;
    return std::unexpected(in_quotes(inside) + " is no IPv6 address");
  }
  if (is_address(AF_INET6, text)) return std::unexpected("an IPv6 address is written in brackets: [" + text + "]");
  if (is_address(AF_INET, text)) return text;
  return std::unexpected(in_quotes(text) + " is no numeric address; write 127.0.0.1, not a name");
}

bool is_loopback(const std::string& address) {
  in_addr ipv4{};
  if (::inet_pton(AF_INET, address.c_str(), &ipv4) == 1) return ntohl(ipv4.s_addr) >> 24 == 127;
  in6_addr ipv6{};
  return ::inet_pton(AF_INET6, address.c_str(), &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}

/// HOST:PORT
Read<Endpoint> host_and_port(const std::string& text, std::size_t colon) {
  auto port = whole_number(text.substr(colon + 1), 1, 65535);
  if (!port) return std::unexpected("the port " + port.error());
  auto address = host(text.substr(0, colon));
  if (!address) return std::unexpected(address.error());
  return Endpoint{.host = *address, .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace

Read<Endpoint> endpoint(const std::string& text) {
  if (text.starts_with(kUnix)) {
    std::string path = text.substr(kUnix.size());
    if (!path.starts_with('/')) return std::unexpected(in_quotes(text) + ": three slashes; " + kForms);
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return std::unexpected("a socket's path has at most 107 bytes");
    return Endpoint{.path = path};
  }
  std::size_t colon = text.rfind(':');
  if (!text.starts_with(kTcp) || colon < kTcp.size()) return std::unexpected(in_quotes(text) + ": " + kForms);
  return host_and_port(text.substr(kTcp.size()), colon - kTcp.size());
}

Read<Endpoint> loopback(const std::string& text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::unexpected(in_quotes(text) + " has no port; write 127.0.0.1:9780");
  auto where = host_and_port(text, colon);
  if (where && !is_loopback(where->host))
    return std::unexpected(
        in_quotes(where->host) +
        " is not the loopback; who asks there is not known, so only this host may: 127.0.0.1 or [::1]");
  return where;
}

}  // namespace postmultid::definitions
