#include "control/handlers.hpp"

#include <algorithm>
#include <charconv>

#include "control/event_stream.hpp"
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

Problem bad_request(std::string detail) {
  return {400, "bad-request", "The request cannot be understood", std::move(detail)};
}

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
  model::OperationId id;
  if (name.starts_with("op-")) std::from_chars(name.data() + 3, name.data() + name.size(), id.number);
  auto operation = service.operation(id);
  return operation && operation->id.text() == name ? operation : std::nullopt;
}

Response no_such_operation(const std::string& name) {
  return refuse(Problem{404, "no-such-operation", "There is no such operation", "no operation \"" + name + "\""});
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
  model::Requester by{request.peer.pid, request.peer.uid};
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

asio::awaitable<Response> get_operations(runtime::Service& service, Request, std::string) {
  co_return answer(service.operations());
}

asio::awaitable<Response> post_operation(runtime::Service& service, Request request, std::string) {
  auto wait = wait_of(request);
  if (!wait) co_return refuse(bad_request(wait.error().message));
  auto wanted = parse_operation(request.body);
  if (!wanted) co_return refuse(bad_request(wanted.error().message));
  model::Requester by{request.peer.pid, request.peer.uid};
  json asked{{"action", wanted->action}, {"select", wanted->select}, {"options", wanted->options}};
  std::string words = to_text(asked);
  words.pop_back();  // the line's end
  auto id = co_await service.submit(std::move(*wanted), by);
  if (!id) co_return refuse(id.error());
  if (request.accepted) request.accepted(id->text() + " " + words);
  if (*wait) co_await await_end(service, *id, **wait);
  auto operation = service.operation(*id);
  if (!operation) co_return refuse(Problem{410, "operation-forgotten", "Too many operations since", id->text()});
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
  auto since = number_of(request, "since", 0);
  if (!since) co_return refuse(bad_request(since.error().message));
  auto last = number_of(request, "last", static_cast<std::size_t>(-1));
  if (!last) co_return refuse(bad_request(last.error().message));
  std::string follow = request.query.contains("follow") ? request.query["follow"] : "yes";
  if (follow != "yes" && follow != "no") co_return refuse(bad_request("follow=" + follow + " is not yes or no"));
  std::string instance;
  if (request.query.contains("instance")) {
    auto id = model::find(*service.status(), request.query["instance"]);
    if (!id) co_return refuse(id.error());
    instance = id->text;
  }
  Response response{200, "application/x-ndjson", "", {}, nullptr};
  response.stream = std::make_shared<EventStream>(service, *since, *last, std::move(instance), follow == "yes");
  co_return response;
}

asio::awaitable<Response> post_reread(runtime::Service& service, Request, std::string) {
  auto done = co_await service.reread_all();
  if (!done) co_return refuse(done.error());
  const model::Daemon& daemon = service.status()->daemon;
  co_return answer(json{{"files", daemon.definition_files}, {"problems", daemon.definition_problems}});
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
