#include "postfix/endpoints.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace postmultid::postfix {

namespace {

std::uint16_t port_number(const std::string& name) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), port);
  if (error == std::errc{} && end == name.data() + name.size()) return port;
  servent entry{}, *found = nullptr;
  std::array<char, 1024> buffer;
  if (::getservbyname_r(name.c_str(), "tcp", &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return ntohs(static_cast<std::uint16_t>(found->s_port));
  return 0;
}

/// "smtp", "host:smtp", "[::1]:25"
Endpoint parse(const std::string& service) {
  std::size_t colon = service.rfind(':');
  Endpoint endpoint{service, colon == std::string::npos ? "" : service.substr(0, colon), 0};
  endpoint.port = port_number(colon == std::string::npos ? service : service.substr(colon + 1));
  if (endpoint.host.size() > 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']')
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  return endpoint;
}

/// An address in the one spelling that inet_ntop gives it; empty for what is none.
std::string canonical(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> binary;
  std::array<char, INET6_ADDRSTRLEN> spelled{};
  for (int family : {AF_INET, AF_INET6})
    if (::inet_pton(family, text.c_str(), binary.data()) == 1)
      return ::inet_ntop(family, binary.data(), spelled.data(), spelled.size());
  return "";
}

bool is_address(const std::string& text) { return !canonical(text).empty(); }

}  // namespace

bool Endpoint::served_by(const host::ListeningSocket& socket) const {
  // A host name stands for whatever it resolves to; master has resolved it, so the port alone is asked for.
  return socket.port == port && (!is_address(host) || canonical(host) == socket.address || socket.address == "*");
}

std::vector<Endpoint> endpoints(const Instance& instance) {
  std::vector<Endpoint> list;
  for (const std::string& service : instance.inet_services())
    if (Endpoint endpoint = parse(service); endpoint.port) list.push_back(std::move(endpoint));
  return list;
}

std::vector<std::string> without_port(const Instance& instance) {
  std::vector<std::string> list;
  for (const std::string& service : instance.inet_services())
    if (!parse(service).port) list.push_back(service);
  return list;
}

std::vector<std::string> unserved(const Instance& instance, const std::vector<host::ListeningSocket>& held) {
  std::vector<std::string> missing;
  for (const Endpoint& endpoint : endpoints(instance))
    if (std::none_of(held.begin(), held.end(), [&](const auto& socket) { return endpoint.served_by(socket); }))
      missing.push_back(endpoint.service);
  return missing;
}

std::vector<std::string> display(const std::vector<host::ListeningSocket>& held) {
  std::set<std::string> unique;
  for (const host::ListeningSocket& socket : held) unique.insert(socket.endpoint());
  return {unique.begin(), unique.end()};
}

}  // namespace postmultid::postfix
