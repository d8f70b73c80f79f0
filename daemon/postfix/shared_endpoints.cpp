#include "postfix/shared_endpoints.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <set>

#include "postfix/endpoints.hpp"

namespace postmultid::postfix {

namespace {

constexpr char kAny[] = "*";
// Whoever copies an instance a hundred times needs not read all of them.
constexpr std::size_t kMostShown = 8;

struct Address {
  int family;
  std::string text;  // kAny for a wildcard
  auto operator<=>(const Address&) const = default;

  bool shares_with(const Address& other) const {
    return family == other.family && (text == other.text || text == kAny || other.text == kAny);
  }
};

struct Claim {
  model::MemberId id;
  std::string service;
  std::uint16_t port;
  Address address;
};

std::set<int> families(const std::string& protocols) {
  std::set<int> found;
  for (const std::string& word : split_words(protocols)) {
    if (word == "ipv4" || word == "all") found.insert(AF_INET);
    if (word == "ipv6" || word == "all") found.insert(AF_INET6);
  }
  return found;
}

/// Where a host of master.cf or inet_interfaces is; nothing if it does not resolve.
std::set<Address> resolve(std::string host, const std::set<int>& families) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::set<Address> addresses;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (!families.contains(each->ai_family)) continue;
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      addresses.insert({each->ai_family, text.data()});
  }
  return addresses;
}

std::set<Address> addresses(const Endpoint& endpoint, const Instance& instance) {
  auto allowed = families(instance.inet_protocols);
  if (!endpoint.host.empty()) return resolve(endpoint.host, allowed);
  std::set<Address> all;
  for (const std::string& host : split_words(instance.inet_interfaces)) {
    if (host == "all")
      for (int family : allowed) all.insert({family, kAny});
    else if (host == "loopback-only")
      for (const char* loopback : {"127.0.0.1", "::1"}) all.merge(resolve(loopback, allowed));
    else
      all.merge(resolve(host, allowed));
  }
  return all;
}

std::string shown(const Claim& claim) {
  bool bare_ipv6 = claim.address.family == AF_INET6 && claim.address.text != kAny;
  return (bare_ipv6 ? "[" + claim.address.text + "]" : claim.address.text) + ":" + std::to_string(claim.port);
}

}  // namespace

std::map<model::MemberId, std::string> shared_endpoints(const std::vector<Instance>& instances) {
  std::vector<Claim> claims;
  for (const Instance& instance : instances)
    for (const Endpoint& endpoint : endpoints(instance))
      for (const Address& address : addresses(endpoint, instance))
        claims.push_back({instance.id, endpoint.service, endpoint.port, address});

  std::map<model::MemberId, std::string> shared;
  std::set<std::pair<model::MemberId, std::string>> said;  // IPv4 and IPv6 wildcards are one
  std::map<model::MemberId, std::size_t> counted;
  for (const Claim& mine : claims)
    for (const Claim& theirs : claims) {
      if (theirs.id == mine.id || theirs.port != mine.port || !mine.address.shares_with(theirs.address)) continue;
      std::string words = shown(mine) + " (" + mine.service + ") is shared with " + theirs.id.text +
                          (shown(theirs) == shown(mine) ? "" : " (" + shown(theirs) + ")") +
                          ": connections go to either";
      if (!said.insert({mine.id, words}).second) continue;
      if (++counted[mine.id] > kMostShown) continue;
      std::string& text = shared[mine.id];
      text += (text.empty() ? "" : "; ") + words;
    }
  for (const auto& [id, count] : counted)
    if (count > kMostShown) shared[id] += "; and " + std::to_string(count - kMostShown) + " more";
  return shared;
}

}  // namespace postmultid::postfix
