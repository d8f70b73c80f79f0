#include "control/handlers.hpp"

#include <algorithm>
#include <charconv>

#include "control/conditional.hpp"
#include "control/event_stream.hpp"
#include "control/instance_request.hpp"
#include "control/openapi.hpp"
#include "control/operation_request.hpp"
#include "model/error.hpp"
#include "model/selection.hpp"

namespace postmultid::control {

using model::Operation;
using model::OperationState;
using model::Problem;
using model::Result;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kLogLines = 50, kMostLogLines = 5000;
constexpr std::chrono::seconds kLongestWait{60};  // a client that hangs up holds its place so long

Problem bad_request(std::string detail) { return {"bad-request", std::move(detail)}; }

/// "?wait=30s" (or 500ms, 5m); nothing where it is not given.
Result<std::optional<milliseconds>> wait_of(const Request& request) {
  auto wait = request.query.find("wait");
  if (wait == request.query.end()) return std::nullopt;
  const std::string& text = wait->second;
  std::uint32_t number = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  milliseconds one = unit == "s"    ? milliseconds(1000)
                     : unit == "ms" ? milliseconds(1)
                     : unit == "m"  ? milliseconds(60000)
                                    : milliseconds(0);
  if (error != std::errc{} || one == milliseconds(0))
    return model::failure("wait=" + text + " is not a duration such as 500ms, 30s or 5m");
  return std::min<milliseconds>(one * number, kLongestWait);
}

/// A number in the query, `otherwise` where it is not given.
Result<std::uint64_t> number_of(const Request& request, const std::string& key, std::uint64_t otherwise) {
  auto given = request.query.find(key);
  if (given == request.query.end()) return otherwise;
  const std::string& text = given->second;
  std::uint64_t number = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size())
    return model::failure(key + "=" + text + " is not a number");
  return number;
}

/// The operation that a path names.
std::optional<Operation> named(runtime::Service& service, const std::string& name) {
  auto id = model::operation_called(name);
  return id ? service.operation(*id) : std::nullopt;
}

Response no_such_operation(const std::string& name) {
  return refuse(Problem{"no-such-operation", "no operation \"" + name + "\""});
}

/// Of a body that is empty or {"dry_run": true}.
Result<bool> dry_run_of(const Request& request) {
  if (request.body.empty()) return false;
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return model::failure("the body is not a JSON object");
  for (const auto& [key, value] : body.items())
    if (key != "dry_run" || !value.is_boolean()) return model::failure("only dry_run, true or false, is known");
  return body.value("dry_run", false);
}

asio::awaitable<Response> change_management(runtime::Service& service, Request request,
                                            model::ManagementChange wanted) {
  auto dry_run = dry_run_of(request);
  if (!dry_run) co_return refuse(bad_request(dry_run.error().message));
  model::Requester by{request.peer.pid, request.peer.uid, {}};
  auto steps = co_await service.change_management(wanted, *dry_run, by);
  if (!steps) co_return refuse(steps.error());
  co_return answer(json{{"mode", service.status()->daemon.mode}, {"dry_run", *dry_run}, {"steps", *steps}});
}

asio::awaitable<void> await_end(runtime::Service& service, model::OperationId id, milliseconds limit) {
  for (auto end = steady_clock::now() + limit;;) {
    auto operation = service.operation(id);
    auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (!operation || operation->state == OperationState::finished || left <= milliseconds(0)) co_return;
    co_await service.changed(left);
  }
}

}  // namespace

asio::awaitable<Response> get_operations(runtime::Service& service, Request request, std::string) {
  auto operations = service.operations();
  if (request.query.contains("state")) {
    const std::string& state = request.query["state"];
    if (state != "running" && state != "finished")
      co_return refuse(bad_request("state=" + state + " is not one of running, finished"));
    std::erase_if(operations, [&](const Operation& each) { return model::to_word(each.state) != state; });
  }
  if (request.query.contains("instance")) {
    auto id = model::find(*service.status(), request.query["instance"]);
    if (!id) co_return refuse(id.error());
    auto concerned = [&](const model::OperationMember& member) { return member.id == *id; };
    std::erase_if(operations, [&](const Operation& each) { return std::ranges::none_of(each.members, concerned); });
  }
  co_return answer(operations);
}

/// What the documentation says, as the build has made JSON of it.
asio::awaitable<Response> get_openapi(runtime::Service&, Request request, std::string) {
  static const Body document = tagged(std::string(kOpenApi));
  co_return answer_unless_known(request, document);
}

asio::awaitable<Response> post_operation(runtime::Service& service, Request request, std::string) {
  auto wait = wait_of(request);
  if (!wait) co_return refuse(bad_request(wait.error().message));
  auto wanted = parse_operation(request.body);
  if (!wanted) co_return refuse(bad_request(wanted.error().message));
  if (wanted->dry_run) {
    auto rehearsed = co_await service.rehearse(std::move(wanted->request));
    if (!rehearsed) co_return refuse(rehearsed.error());
    co_return answer(*rehearsed);
  }
  model::Requester by{request.peer.pid, request.peer.uid, {}};
  const model::Request& asked = wanted->request;
  std::string words = to_text(json{{"action", asked.action}, {"select", asked.select}, {"options", asked.options}});
  words.pop_back();  // the line's end
  auto id = co_await service.submit(std::move(wanted->request), std::move(by));
  if (!id) co_return refuse(id.error());
  if (request.accepted) request.accepted(id->text() + " " + words);
  if (*wait) co_await await_end(service, *id, **wait);
  auto operation = service.operation(*id);
  if (!operation) co_return refuse(Problem{"operation-forgotten", id->text()});
  Response response = answer(*operation, operation->state == OperationState::finished && *wait ? 200 : 202);
  response.headers["Location"] = "/v1/operations/" + id->text();
  co_return response;
}

asio::awaitable<Response> get_operation(runtime::Service& service, Request request, std::string name) {
  auto wait = wait_of(request);
  if (!wait) co_return refuse(bad_request(wait.error().message));
  auto operation = named(service, name);
  if (operation && *wait) {
    co_await await_end(service, operation->id, **wait);
    operation = named(service, name);
  }
  if (!operation) co_return no_such_operation(name);
  co_return answer(*operation);
}

asio::awaitable<Response> delete_operation(runtime::Service& service, Request, std::string name) {
  auto operation = named(service, name);
  if (!operation) co_return no_such_operation(name);
  service.cancel(operation->id);
  co_return answer(*named(service, name));
}

asio::awaitable<Response> get_log(runtime::Service& service, Request request, std::string name) {
  auto lines = number_of(request, "lines", kLogLines);
  if (!lines) co_return refuse(bad_request(lines.error().message));
  auto id = model::find(*service.status(), name);
  if (!id) co_return refuse(id.error());
  auto read = co_await service.last_lines(*id, std::min<std::uint64_t>(*lines, kMostLogLines));
  if (!read) co_return refuse(read.error());
  co_return answer(json{{"instance", id->text}, {"lines", *read}});
}

asio::awaitable<Response> get_events(runtime::Service& service, Request request, std::string) {
  auto wanted = events_wanted(request);
  if (!wanted) co_return refuse(bad_request(wanted.error().message));
  if (!wanted->instance.empty()) {
    auto id = model::find(*service.status(), wanted->instance);
    if (!id) co_return refuse(id.error());
    wanted->instance = id->text;
  }
  Response response{200, wanted->server_sent ? "text/event-stream" : "application/x-ndjson", "", {}, nullptr};
  response.headers["Cache-Control"] = "no-store";
  response.stream = std::make_shared<EventStream>(service, std::move(*wanted));
  co_return response;
}

asio::awaitable<Response> post_reread(runtime::Service& service, Request, std::string) {
  auto done = co_await service.reread_all();
  if (!done) co_return refuse(done.error());
  const model::Daemon& daemon = service.status()->daemon;
  co_return answer(json{{"files", daemon.definition_files}, {"problems", daemon.definition_problems}});
}

asio::awaitable<Response> post_instances(runtime::Service& service, Request request, std::string) {
  auto wanted = parse_instance_change(request.body);
  if (!wanted) co_return refuse(bad_request(wanted.error().message));
  std::string words = to_text(*wanted);
  words.pop_back();  // the line's end
  model::Requester by{request.peer.pid, request.peer.uid, {}};
  auto changed = co_await service.change_instances(std::move(*wanted), std::move(by));
  if (!changed) co_return refuse(changed.error());
  if (request.accepted) request.accepted(words);
  co_return answer(*changed);
}

asio::awaitable<Response> post_log_level(runtime::Service& service, Request request, std::string) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || body.size() != 1 || !body.contains("level") || !body["level"].is_string())
    co_return refuse(bad_request(R"(the body has to be {"level": "LEVEL"})"));
  std::string level = body["level"];
  auto changed = service.change_log_level(level, {request.peer.pid, request.peer.uid, {}});
  if (!changed) co_return refuse(changed.error());
  if (request.accepted) request.accepted(level);
  co_return answer(body);
}

asio::awaitable<Response> post_takeover(runtime::Service& service, Request request, std::string) {
  co_return co_await change_management(service, std::move(request), model::ManagementChange::takeover);
}

asio::awaitable<Response> post_handback(runtime::Service& service, Request request, std::string) {
  co_return co_await change_management(service, std::move(request), model::ManagementChange::handback);
}

asio::awaitable<Response> post_wrapper(runtime::Service& service, Request request, std::string wanted) {
  if (wanted != "install" && wanted != "remove") co_return refuse(bad_request(wanted + " is not install or remove"));
  auto handover =
      wanted == "install" ? model::ManagementChange::install_wrapper : model::ManagementChange::remove_wrapper;
  co_return co_await change_management(service, std::move(request), handover);
}

}  // namespace postmultid::control
