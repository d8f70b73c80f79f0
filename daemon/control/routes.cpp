#include "control/routes.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include "control/handlers.hpp"
#include "model/words.hpp"

namespace postmultid::control {

using model::Problem;

enum class Served { on_the_socket, on_loopback_too };

struct Route {
  std::string_view method;
  std::string_view path;  // "{…}" stands for one segment, handed to the handler
  model::Role role;       // of who asks on the socket; on the loopback nobody has one
  Handler handler;
  Served served = Served::on_the_socket;

  std::string words() const { return std::string(method) + " " + std::string(path); }
};

namespace {

using enum model::Role;

constexpr Route kRoutes[] = {
    {"GET", "/v1/status", monitor, get_status},
    {"GET", "/v1/instances", monitor, get_instances},
    {"POST", "/v1/instances", admin, post_instances},
    {"GET", "/v1/instances/{id}", monitor, get_instance},
    {"GET", "/v1/groups", monitor, get_groups},
    {"GET", "/v1/groups/{name}", monitor, get_group},
    {"GET", "/v1/operations", monitor, get_operations},
    {"POST", "/v1/operations", operator_, post_operation},
    {"GET", "/v1/operations/{id}", monitor, get_operation},
    {"DELETE", "/v1/operations/{id}", operator_, delete_operation},
    {"GET", "/v1/instances/{id}/log", viewer, get_log},
    {"GET", "/v1/events", monitor, get_events},
    {"POST", "/v1/daemon/reread", admin, post_reread},
    {"POST", "/v1/daemon/log-level", admin, post_log_level},
    {"POST", "/v1/daemon/takeover", admin, post_takeover},
    {"POST", "/v1/daemon/handback", admin, post_handback},
    {"POST", "/v1/daemon/wrapper/{wanted}", admin, post_wrapper},
    {"GET", "/v1/health", anyone, get_health, Served::on_loopback_too},
    {"GET", "/metrics", monitor, get_metrics, Served::on_loopback_too},
    {"GET", "/v1/openapi.json", anyone, get_openapi},
};

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> list;
  for (std::size_t begin = 1; begin <= path.size();) {
    std::size_t end = std::min(path.find('/', begin), path.size());
    list.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

/// Whether the path fits; `parameter` becomes the segment that stands for "{…}".
bool fits(const Route& route, const std::vector<std::string>& path, std::string& parameter) {
  auto pattern = segments(route.path);
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].starts_with('{'))
      parameter = path[i];
    else if (pattern[i] != path[i])
      return false;
  }
  return true;
}

std::string join(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& segment : path) text += "/" + segment;
  return text.empty() ? "/" : text;
}

std::string name_of(const runtime::Access& access, uid_t uid) {
  auto found = access.names.find(uid);
  return found == access.names.end() ? "" : found->second;
}

Audit::Entry entry_of(Door& door, const Route& route, const Request& request, std::string outcome, std::string detail) {
  return {request.peer, name_of(door.service.access(), request.peer.uid), route.words(), std::move(outcome),
          std::move(detail)};
}

Response deny(Door& door, const Route& route, const Request& request, model::Role had) {
  std::string needed = to_word(route.role), user = name_of(door.service.access(), request.peer.uid);
  std::string uid = "uid " + std::to_string(request.peer.uid), who = user.empty() ? uid : user + " (" + uid + ")";
  door.audit.denied(entry_of(door, route, request, "denied",
                             join(request.path) + ": needs the role " + needed + ", has " + to_word(had)));
  return refuse(
      Problem{"not-permitted", route.words() + " needs the role " + needed + "; " + who + " has " +
                                   (had == anyone ? "none" : to_word(had)) +
                                   ". Root may, and who has that role in the definition (daemon: { roles: { " + needed +
                                   ": [" + (user.empty() ? "USER" : user) + "] } }), after pmctl daemon reread"});
}

/// By another name than these somebody else's web page asks, in a browser on this host.
bool is_named(const definitions::Endpoint& loopback, const std::string& host) {
  bool ipv6 = loopback.host.find(':') != std::string::npos;
  std::string port = ":" + std::to_string(loopback.port);
  for (const std::string& name : {ipv6 ? "[" + loopback.host + "]" : loopback.host, std::string("localhost"),
                                  std::string("127.0.0.1"), std::string("[::1]")})
    if (host == name + port || (loopback.port == 80 && host == name)) return true;
  return false;
}

Response no_such_route(const Request& request) {
  return refuse(Problem{"no-such-route", "no route " + join(request.path)});
}

}  // namespace

std::vector<RouteName> route_names() {
  std::vector<RouteName> names;
  for (const Route& each : kRoutes) names.push_back({each.method, each.path, each.role});
  return names;
}

namespace {

std::expected<Call, Response> find(Door& door, const Request& request) {
  auto named = request.headers.find("host");
  std::string host = named == request.headers.end() ? "" : named->second;
  if (door.loopback && !is_named(*door.loopback, host))
    return std::unexpected(refuse(Problem{
        "misdirected-request", "asked for host \"" + host + "\"; only localhost, 127.0.0.1 and [::1] with port " +
                                   std::to_string(door.loopback->port) + " are answered here"}));
  std::string allowed;
  for (const Route& each : kRoutes) {
    Call call{&each, ""};
    if (!fits(each, request.path, call.parameter)) continue;
    if (door.loopback && each.served != Served::on_loopback_too) continue;
    if (each.method != request.method && !(each.method == "GET" && request.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(each.method);
      continue;
    }
    model::Role had = door.loopback ? anyone : door.service.access().role_of(request.peer);
    if (!door.loopback && had < each.role) return std::unexpected(deny(door, each, request, had));
    return call;
  }
  if (allowed.empty()) return std::unexpected(no_such_route(request));
  Response response = refuse(Problem{
      "method-not-allowed", request.method + " " + join(request.path) + " is not possible; " + allowed + " is"});
  response.headers["Allow"] = allowed;
  return std::unexpected(std::move(response));
}

asio::awaitable<Response> answer_by(Door& door, Call call, Request request) {
  if (call.route->method == "GET")
    co_return co_await call.route->handler(door.service, std::move(request), std::move(call.parameter));
  // What is accepted is told when it is: who asks may wait for its end, and this daemon may be gone before.
  bool told = false;
  Audit::Entry entry = entry_of(door, *call.route, request, "accepted", join(request.path));
  request.accepted = [&door, &told, &entry](std::string what) {
    told = true;
    Audit::Entry line = entry;
    line.detail += ": " + what;
    door.audit.changed(std::move(line));
  };
  Response response = co_await call.route->handler(door.service, std::move(request), std::move(call.parameter));
  if (told) co_return response;
  if (response.status >= 400) entry.outcome = "refused";
  entry.detail += " " + std::to_string(response.status);
  door.audit.changed(std::move(entry));
  co_return response;
}

}  // namespace

std::expected<Call, Response> admit(Door& door, const Request& request) {
  auto call = find(door, request);
  if (!call) door.desk.counters.answered("none", call.error().status, std::chrono::nanoseconds(0));
  return call;
}

asio::awaitable<Response> carry_out(Door& door, Call call, Request request) {
  auto begun = std::chrono::steady_clock::now();
  request.desk = &door.desk;
  std::string route = call.route->words();
  Response response = co_await answer_by(door, std::move(call), std::move(request));
  door.desk.counters.answered(route, response.status, std::chrono::steady_clock::now() - begun);
  co_return response;
}

}  // namespace postmultid::control
