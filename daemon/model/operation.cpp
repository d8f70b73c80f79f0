#include "model/operation.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace postmultid::model {

using nlohmann::json;

namespace {

constexpr std::chrono::seconds kNow{0};
constexpr std::chrono::seconds kLongestDrain{86400};

}  // namespace

bool Operation::succeeded() const {
  return std::all_of(members.begin(), members.end(), [](const OperationMember& member) {
    return member.outcome == Outcome::done || member.outcome == Outcome::unchanged ||
           member.outcome == Outcome::skipped;
  });
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

void to_json(json& j, const Operation& operation) {
  j = json{{"id", operation.id.text()},
           {"action", operation.action},
           {"state", operation.state},
           {"result", json()},
           {"members", json::array()},
           {"created_at", to_rfc3339(operation.created_at)},
           {"finished_at", operation.finished_at ? json(to_rfc3339(*operation.finished_at)) : json()},
           {"requested_by", json()}};
  if (const auto& by = operation.requested_by) j["requested_by"] = {{"pid", by->pid}, {"uid", by->uid}};
  if (operation.state == OperationState::finished) j["result"] = operation.succeeded() ? "succeeded" : "failed";
  for (const auto& member : operation.members) {
    json steps = json::array();
    for (const auto& step : member.steps) steps.push_back({{"name", step.name}, {"at", to_rfc3339(step.at)}});
    j["members"].push_back({{"id", member.id.text},
                            {"result", member.outcome},
                            {"message", member.message},
                            {"waiting_for", member.waiting_for.empty() ? json() : json(member.waiting_for)},
                            {"steps", std::move(steps)}});
  }
}

void from_json(const json& j, Operation& operation) {
  std::string id = j.at("id");
  operation.id.number = std::strtoull(id.c_str() + std::min<std::size_t>(id.size(), 3), nullptr, 10);
  j.at("action").get_to(operation.action);
  j.at("state").get_to(operation.state);
  for (const auto& member : j.at("members")) {
    operation.members.push_back({{member.at("id").get<std::string>()}, member.at("result"), member.at("message")});
    const json& waiting_for = member.at("waiting_for");
    if (!waiting_for.is_null()) operation.members.back().waiting_for = waiting_for;
    for (const auto& step : member.at("steps"))
      operation.members.back().steps.push_back({step.at("name"), from_rfc3339(step.at("at")).value_or(WallTime{})});
  }
  operation.created_at = from_rfc3339(j.at("created_at")).value_or(WallTime{});
  if (!j.at("finished_at").is_null()) operation.finished_at = from_rfc3339(j.at("finished_at"));
  const json& by = j.at("requested_by");
  if (!by.is_null()) operation.requested_by = {by.at("pid"), by.at("uid")};
}

}  // namespace postmultid::model
