#include "model/plan.hpp"

#include <algorithm>

namespace postmultid::model {

using nlohmann::json;

namespace {

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json or_null(const std::string& text) { return text.empty() ? json() : json(text); }

std::string text_of(const json& j) { return j.is_null() ? "" : j.get<std::string>(); }

std::optional<unsigned> number_of(const json& j) {
  return j.is_null() ? std::nullopt : std::optional(j.get<unsigned>());
}

}  // namespace

bool MemberPlan::has(const std::string& step) const { return std::ranges::find(steps, step) != steps.end(); }

bool Plan::needs_restart() const {
  return std::ranges::any_of(members, [](const MemberPlan& each) { return each.has("restart"); });
}

bool Application::succeeded() const {
  return std::ranges::all_of(members, [](const Applied& each) { return each.result == "changed"; });
}

void to_json(json& j, const FileChange& change) {
  j = {{"file", change.file},
       {"lines", change.lines},
       {"left_out", or_null(change.left_out)},
       {"unchanged", or_null(change.unchanged)},
       {"note", or_null(change.note)}};
}

void from_json(const json& j, FileChange& change) {
  change = {j.at("file"), j.at("lines"), number_of(j.at("left_out")), number_of(j.at("unchanged")),
            text_of(j.at("note"))};
}

void to_json(json& j, const MemberPlan& member) {
  j = {{"id", member.id.text},      {"config_directory", member.config_directory},
       {"steps", member.steps},     {"interruption", member.interruption},
       {"changes", member.changes}, {"warnings", member.warnings}};
}

void from_json(const json& j, MemberPlan& member) {
  member = {{j.at("id").get<std::string>()},
            j.at("config_directory"),
            j.at("steps"),
            j.at("interruption"),
            j.at("changes"),
            j.at("warnings")};
}

void to_json(json& j, const Plan& plan) {
  j = {{"id", or_null(plan.id)},     {"needs_restart", plan.needs_restart()}, {"members", plan.members},
       {"unchanged", json::array()}, {"order", or_null(plan.order)},          {"primary", plan.primary},
       {"warnings", plan.warnings}};
  for (const MemberId& id : plan.unchanged) j["unchanged"].push_back(id.text);
}

void from_json(const json& j, Plan& plan) {
  plan.id = text_of(j.at("id"));
  j.at("members").get_to(plan.members);
  for (const json& id : j.at("unchanged")) plan.unchanged.push_back({id.get<std::string>()});
  plan.order = text_of(j.at("order"));
  plan.primary = j.value("primary", std::vector<std::string>());
  j.at("warnings").get_to(plan.warnings);
}

void to_json(json& j, const Applied& applied) {
  j = {{"id", applied.id.text}, {"result", applied.result}, {"message", applied.message}};
}

void from_json(const json& j, Applied& applied) {
  applied = {{j.at("id").get<std::string>()}, j.at("result"), j.at("message")};
}

void to_json(json& j, const Application& application) {
  j = {{"plan", or_null(application.plan)},
       {"succeeded", application.succeeded()},
       {"members", application.members},
       {"order", or_null(application.order)}};
}

void from_json(const json& j, Application& application) {
  application = {text_of(j.at("plan")), j.at("members"), text_of(j.at("order"))};
}

}  // namespace postmultid::model
