#include "model/operation.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace postmultid::model {

using nlohmann::json;

namespace {

constexpr std::chrono::seconds kNow{0};
constexpr std::chrono::seconds kLongestDrain{86400};

}  // namespace

std::optional<OperationId> operation_called(const std::string& text) {
  OperationId id;
  if (text.starts_with("op-")) std::from_chars(text.data() + 3, text.data() + text.size(), id.number);
  return id.number && id.text() == text ? std::optional(id) : std::nullopt;
}

bool Operation::succeeded() const {
  return std::all_of(members.begin(), members.end(), [](const OperationMember& member) {
    return member.outcome == Outcome::done || member.outcome == Outcome::unchanged ||
           member.outcome == Outcome::skipped;
  });
}

std::optional<WallTime> Operation::started_at() const {
  std::optional<WallTime> first;
  for (const OperationMember& member : members)
    if (!member.steps.empty() && (!first || member.steps.front().at < *first)) first = member.steps.front().at;
  return first;
}

void to_json(json& j, const Selection& selection) {
  j = json::object();
  if (!selection.names.empty()) j["names"] = selection.names;
  if (!selection.group.empty()) j["group"] = selection.group;
  if (selection.all) j["all"] = true;
}

void from_json(const json& j, Selection& selection) {
  if (auto it = j.find("names"); it != j.end()) it->get_to(selection.names);
  if (auto it = j.find("group"); it != j.end()) it->get_to(selection.group);
  if (auto it = j.find("all"); it != j.end()) it->get_to(selection.all);
}

std::string unfit(const Request& request) {
  bool starts = request.action == Action::start || request.action == Action::restart;
  if (!request.options.hold && !starts) return "hold is about start and restart";
  if (request.options.accept_new_queue && !starts) return "accept_new_queue is about start and restart";
  bool unit_like = starts || request.action == Action::stop || request.action == Action::reload;
  if (request.options.keep_desired && (!unit_like || request.action == Action::restart))
    return "keep_desired is about start, stop and reload";
  if (request.options.rolling && request.action != Action::restart) return "rolling is about restart";
  if (request.options.deadline && request.action != Action::drain) return "deadline is about drain";
  if (request.options.deadline && (*request.options.deadline < kNow || *request.options.deadline > kLongestDrain))
    return "deadline is not between 0 and 86400 seconds";
  return "";
}

void to_json(json& j, const OperationOptions& options) {
  j = json::object();
  if (!options.hold) j["hold"] = false;
  if (options.rolling) j["rolling"] = true;
  if (options.accept_new_queue) j["accept_new_queue"] = true;
  if (options.keep_desired) j["keep_desired"] = true;
  if (options.deadline) j["deadline"] = options.deadline->count();
}

void from_json(const json& j, OperationOptions& options) {
  if (auto it = j.find("hold"); it != j.end()) it->get_to(options.hold);
  if (auto it = j.find("rolling"); it != j.end()) it->get_to(options.rolling);
  if (auto it = j.find("accept_new_queue"); it != j.end()) it->get_to(options.accept_new_queue);
  if (auto it = j.find("keep_desired"); it != j.end()) it->get_to(options.keep_desired);
  if (auto it = j.find("deadline"); it != j.end()) {
    if (!it->is_number_integer()) throw std::runtime_error("deadline is not a whole number of seconds");
    options.deadline = std::chrono::seconds(it->get<std::int64_t>());
  }
}

namespace {

json of(const std::optional<WallTime>& time) { return time ? json(to_rfc3339(*time)) : json(); }
json of(const std::string& text) { return text.empty() ? json() : json(text); }

/// As the times that are shown say it.
json seconds_between(WallTime begin, const std::optional<WallTime>& end) {
  using std::chrono::milliseconds;
  if (!end) return {};
  auto took = std::chrono::floor<milliseconds>(*end) - std::chrono::floor<milliseconds>(begin);
  return static_cast<double>(took.count()) / 1000.0;
}

OperationMember member_of(const json& j) {
  return {{j.at("id").get<std::string>()}, j.at("result"), j.at("message"), {}, {}, {}};
}

}  // namespace

void to_json(json& j, const Operation& operation) {
  j = json{{"id", operation.id.text()},
           {"action", operation.action},
           {"select", operation.selection},
           {"options", operation.options},
           {"state", operation.state},
           {"result", json()},
           {"progress", of(operation.progress)},
           {"members", json::array()},
           {"created_at", to_rfc3339(operation.created_at)},
           {"started_at", of(operation.started_at())},
           {"finished_at", of(operation.finished_at)},
           {"duration_seconds", seconds_between(operation.created_at, operation.finished_at)},
           {"requested_by", json()}};
  if (const auto& by = operation.requested_by)
    j["requested_by"] = {{"pid", by->pid}, {"uid", by->uid}, {"name", of(by->name)}};
  if (operation.state == OperationState::finished) j["result"] = operation.succeeded() ? "succeeded" : "failed";
  for (const auto& member : operation.members) {
    json steps = json::array();
    for (const auto& step : member.steps) steps.push_back({{"name", step.name}, {"at", to_rfc3339(step.at)}});
    j["members"].push_back({{"id", member.id.text},
                            {"result", member.outcome},
                            {"message", member.message},
                            {"waiting_for", of(member.waiting_for)},
                            {"steps", std::move(steps)},
                            {"finished_at", of(member.finished_at)}});
  }
}

void from_json(const json& j, Operation& operation) {
  operation.id = operation_called(j.at("id")).value_or(OperationId{});
  j.at("action").get_to(operation.action);
  // A postmultid of before has left none of these to its successor.
  if (j.contains("select")) j.at("select").get_to(operation.selection);
  if (j.contains("options")) j.at("options").get_to(operation.options);
  if (j.contains("progress") && !j.at("progress").is_null()) j.at("progress").get_to(operation.progress);
  j.at("state").get_to(operation.state);
  for (const auto& member : j.at("members")) {
    operation.members.push_back(member_of(member));
    const json& waiting_for = member.at("waiting_for");
    if (!waiting_for.is_null()) operation.members.back().waiting_for = waiting_for;
    if (member.contains("finished_at") && !member.at("finished_at").is_null())
      operation.members.back().finished_at = from_rfc3339(member.at("finished_at"));
    for (const auto& step : member.at("steps"))
      operation.members.back().steps.push_back({step.at("name"), from_rfc3339(step.at("at")).value_or(WallTime{})});
  }
  operation.created_at = from_rfc3339(j.at("created_at")).value_or(WallTime{});
  if (!j.at("finished_at").is_null()) operation.finished_at = from_rfc3339(j.at("finished_at"));
  const json& by = j.at("requested_by");
  if (by.is_null()) return;
  operation.requested_by = {by.at("pid"), by.at("uid"), {}};
  if (by.contains("name") && !by.at("name").is_null()) by.at("name").get_to(operation.requested_by->name);
}

void to_json(json& j, const DryRun& dry_run) {
  j = json{{"dry_run", true},
           {"action", dry_run.request.action},
           {"select", dry_run.request.select},
           {"options", dry_run.request.options},
           {"complete", dry_run.complete},
           {"steps", json::array()},
           {"members", json::array()}};
  for (const auto& step : dry_run.steps) j["steps"].push_back({{"id", step.id.text}, {"name", step.name}});
  for (const auto& member : dry_run.members)
    j["members"].push_back({{"id", member.id.text}, {"result", member.outcome}, {"message", member.message}});
}

void from_json(const json& j, DryRun& dry_run) {
  j.at("action").get_to(dry_run.request.action);
  j.at("select").get_to(dry_run.request.select);
  j.at("options").get_to(dry_run.request.options);
  j.at("complete").get_to(dry_run.complete);
  for (const auto& step : j.at("steps")) dry_run.steps.push_back({{step.at("id").get<std::string>()}, step.at("name")});
  for (const auto& member : j.at("members")) dry_run.members.push_back(member_of(member));
}

}  // namespace postmultid::model
