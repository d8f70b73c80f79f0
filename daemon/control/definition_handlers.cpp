#include "control/handlers.hpp"
#include "model/error.hpp"

namespace postmultid::control {

using model::Problem;
using model::Result;
using nlohmann::json;

namespace {

/// The members of a body that may be empty; each of `known` has a type, nothing else may be there.
Result<json> fields_of(const Request& request, const json& known) {
  if (request.body.empty()) return json::object();
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return model::failure("the body is not a JSON object");
  for (const auto& [key, value] : body.items()) {
    if (!known.contains(key)) return model::failure("\"" + key + "\" is not known");
    if (value.type() != known.at(key).type())
      return model::failure(key + " is not a " + std::string(known.at(key).type_name()));
  }
  return body;
}

Response bad_request(const model::Error& error) { return refuse(Problem{"bad-request", error.message}); }

model::Requester asked_by(const Request& request) { return {request.peer.pid, request.peer.uid, {}}; }

json names_of(const std::vector<definitions::Name>& names) {
  json list = json::array();
  for (const auto& name : names) list.push_back(name.text);
  return list;
}

/// Who is declared, and where; nothing of what main.cf or a table is to say.
json declared(const definitions::Definition& definition) {
  json groups = json::array(), members = json::array();
  for (const auto& group : definition.groups)
    groups.push_back({{"name", group.name.text},
                      {"members", names_of(group.members)},
                      {"parallel", group.parallel},
                      {"required", group.required},
                      {"place", group.name.place.text()}});
  auto add = [&](const definitions::Name& name, const char* kind, bool configures) {
    members.push_back({{"id", name.text}, {"kind", kind}, {"configures", configures}, {"place", name.place.text()}});
  };
  if (const auto& primary = definition.primary)
    add(primary->name, "postfix", !definition.configuration_of(*primary).empty());
  for (const auto& instance : definition.instances) add(instance.name, "postfix", true);
  for (const auto& companion : definition.companions) add(companion.name, "companion", false);
  return {{"groups", std::move(groups)}, {"members", std::move(members)}};
}

}  // namespace

asio::awaitable<Response> get_definitions(runtime::Service& service, Request, std::string) {
  const auto& definition = service.definition();
  json document = declared(definition);
  document["files"] = definition.files;
  document["problems"] = service.status()->daemon.definition_problems;
  co_return answer(document);
}

asio::awaitable<Response> get_export(runtime::Service& service, Request, std::string) {
  auto text = co_await service.export_definition();
  if (!text) co_return refuse(text.error());
  Response response{200, "text/plain; charset=utf-8", std::move(*text), {{"Cache-Control", "no-store"}}, nullptr};
  co_return response;
}

asio::awaitable<Response> post_plan(runtime::Service& service, Request request, std::string) {
  auto fields = fields_of(request, json::object());
  if (!fields) co_return bad_request(fields.error());
  auto plan = co_await service.plan();
  if (!plan) co_return refuse(plan.error());
  co_return answer(*plan);
}

asio::awaitable<Response> post_apply(runtime::Service& service, Request request, std::string) {
  json known{{"plan", ""}, {"allow_restart", false}};
  auto fields = fields_of(request, known);
  if (!fields) co_return bad_request(fields.error());
  model::ApplyRequest wanted{fields->value("plan", ""), fields->value("allow_restart", false)};
  auto applied = co_await service.apply(std::move(wanted), asked_by(request));
  if (!applied) co_return refuse(applied.error());
  co_return answer(*applied);
}

asio::awaitable<Response> post_rollback(runtime::Service& service, Request request, std::string) {
  json known{{"instance", ""}, {"version", ""}, {"allow_restart", false}, {"dry_run", false}};
  auto fields = fields_of(request, known);
  if (!fields) co_return bad_request(fields.error());
  if (!fields->contains("instance")) co_return bad_request({"whose files? {\"instance\": ID}", 0});
  model::RollbackRequest wanted{fields->at("instance"), fields->value("version", ""),
                                fields->value("allow_restart", false)};
  if (fields->value("dry_run", false)) {
    auto plan = co_await service.plan_rollback(std::move(wanted));
    if (!plan) co_return refuse(plan.error());
    co_return answer(*plan);
  }
  auto applied = co_await service.roll_back(std::move(wanted), asked_by(request));
  if (!applied) co_return refuse(applied.error());
  co_return answer(*applied);
}

}  // namespace postmultid::control
