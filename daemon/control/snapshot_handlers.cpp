// The routes that are answered from the snapshot: what polls them costs no disk, no process and no lock.
#include <algorithm>

#include "control/conditional.hpp"
#include "control/desk.hpp"
#include "control/exposition.hpp"
#include "control/handlers.hpp"
#include "control/metrics.hpp"
#include "host/own_use.hpp"
#include "model/selection.hpp"

namespace postmultid::control {

using nlohmann::json;

asio::awaitable<Response> get_status(runtime::Service&, Request request, std::string) {
  auto rendering = co_await request.desk->renderings.now();
  co_return answer_unless_known(request, rendering->status());
}

asio::awaitable<Response> get_instances(runtime::Service&, Request request, std::string) {
  auto rendering = co_await request.desk->renderings.now();
  co_return answer_unless_known(request, rendering->instances());
}

asio::awaitable<Response> get_instance(runtime::Service&, Request request, std::string name) {
  auto rendering = co_await request.desk->renderings.now();
  auto id = model::find(*rendering->of(), name);
  if (!id) co_return refuse(id.error());
  const auto& members = rendering->of()->members;
  auto member = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.id == *id; });
  co_return answer_unless_known(request, rendering->instance(static_cast<std::size_t>(member - members.begin())));
}

asio::awaitable<Response> get_groups(runtime::Service&, Request request, std::string) {
  auto rendering = co_await request.desk->renderings.now();
  co_return answer_unless_known(request, rendering->groups());
}

asio::awaitable<Response> get_group(runtime::Service&, Request request, std::string name) {
  auto rendering = co_await request.desk->renderings.now();
  const auto& groups = rendering->of()->groups;
  auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.name == name; });
  if (group == groups.end()) co_return refuse(model::no_such_group(*rendering->of(), name));
  co_return answer_unless_known(request, rendering->group(static_cast<std::size_t>(group - groups.begin())));
}

/// alive: the event loop turns, or this would not be answered. ready: nothing that is wanted is missing.
asio::awaitable<Response> get_health(runtime::Service&, Request request, std::string) {
  std::string level = request.query.contains("level") ? request.query["level"] : "alive";
  if (level == "alive") co_return answer(json{{"level", level}, {"ok", true}, {"missing", json::array()}});
  if (level != "ready") co_return refuse({"bad-request", "level=" + level + " is not one of alive, ready"});
  auto rendering = co_await request.desk->renderings.now();
  if (rendering->is_ready()) co_return answer_unless_known(request, rendering->ready());
  // Whoever looks at the status only must not read 304 for a no.
  Response no{503, "application/json", rendering->ready().text, {{"Cache-Control", "no-cache"}}, nullptr};
  co_return no;
}

/// Without a tag: what the daemon counts has changed by the request itself.
asio::awaitable<Response> get_metrics(runtime::Service&, Request request, std::string) {
  auto rendering = co_await request.desk->renderings.now();
  Response response{200, Exposition::kContentType, "", {{"Cache-Control", "no-cache"}}, nullptr};
  response.body = rendering->metrics() +
                  daemon_metrics(rendering->of()->daemon.started_at, request.desk->counters, host::own_use());
  co_return response;
}

}  // namespace postmultid::control
