#include "control/routes.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "control/desk.hpp"
#include "control/handlers.hpp"

namespace postmultid::control {

using model::Problem;

namespace {

enum class Access { anyone, root };

struct Route {
  std::string_view method;
  std::string_view path;  // "{…}" stands for one segment, handed to the handler
  Access access;
  Handler handler;
};

constexpr Route kRoutes[] = {
    {"GET", "/v1/status", Access::root, get_status},
    {"GET", "/v1/instances", Access::root, get_instances},
    {"GET", "/v1/instances/{id}", Access::root, get_instance},
    {"GET", "/v1/groups", Access::root, get_groups},
    {"GET", "/v1/groups/{name}", Access::root, get_group},
    {"GET", "/v1/operations", Access::root, get_operations},
    {"POST", "/v1/operations", Access::root, post_operation},
    {"GET", "/v1/operations/{id}", Access::root, get_operation},
    {"DELETE", "/v1/operations/{id}", Access::root, delete_operation},
    {"GET", "/v1/instances/{id}/log", Access::root, get_log},
    {"GET", "/v1/events", Access::root, get_events},
    {"POST", "/v1/daemon/reread", Access::root, post_reread},
    {"POST", "/v1/daemon/takeover", Access::root, post_takeover},
    {"POST", "/v1/daemon/handback", Access::root, post_handback},
    {"POST", "/v1/daemon/wrapper/{wanted}", Access::root, post_wrapper},
    {"GET", "/v1/health", Access::anyone, get_health},
    {"GET", "/metrics", Access::root, get_metrics},
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

/// `taken` becomes the route of the table by which it is answered, if there is one.
asio::awaitable<Response> answer_by_table(runtime::Service& service, Request request, std::string& taken) {
  std::string allowed;
  for (const Route& each : kRoutes) {
    std::string parameter;
    if (!fits(each, request.path, parameter)) continue;
    if (each.method != request.method && !(each.method == "GET" && request.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(each.method);
      continue;
    }
    taken = std::string(each.method) + " " + std::string(each.path);
    if (each.access == Access::root && request.peer.uid != 0)
      co_return refuse(Problem{403, "not-permitted", "Not permitted",
                               "uid " + std::to_string(request.peer.uid) + " may not do this; only root may, so far"});
    co_return co_await each.handler(service, std::move(request), std::move(parameter));
  }
  if (!allowed.empty()) {
    Response response =
        refuse(Problem{405, "method-not-allowed", "Method not allowed",
                       request.method + " " + join(request.path) + " is not possible; " + allowed + " is"});
    response.headers["Allow"] = allowed;
    co_return response;
  }
  co_return refuse(Problem{404, "no-such-route", "There is no such route", "no route " + join(request.path)});
}

}  // namespace

asio::awaitable<Response> route(runtime::Service& service, Request request) {
  auto begun = std::chrono::steady_clock::now();
  Counters& counters = request.desk->counters;
  std::string taken = "none";
  Response response = co_await answer_by_table(service, std::move(request), taken);
  counters.answered(taken, response.status, std::chrono::steady_clock::now() - begun);
  co_return response;
}

}  // namespace postmultid::control
