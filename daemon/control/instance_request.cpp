#include "control/instance_request.hpp"

#include <map>
#include <set>

namespace postmultid::control {

using model::ChangeAction;
using model::InstanceChange;
using model::Result;
using nlohmann::json;

namespace {

// Beside the action.
const std::map<ChangeAction, std::set<std::string>> kKeys{
    {ChangeAction::init, {}},
    {ChangeAction::create,
     {"name", "group", "config_directory", "queue_directory", "data_directory", "before", "after", "first"}},
    {ChangeAction::import, {"name", "group", "config_directory", "before", "after", "first"}},
    {ChangeAction::assign, {"instance", "name", "group"}},
    {ChangeAction::deport, {"instance"}},
    {ChangeAction::destroy, {"instance"}},
};

/// What is missing, or too much; empty: nothing.
std::string incomplete(const InstanceChange& change) {
  using enum ChangeAction;
  bool about_one = change.action == assign || change.action == deport || change.action == destroy;
  if (about_one && change.instance.empty()) return "instance is missing";
  if (change.action == assign && !change.name && !change.group) return "name or group is missing";
  if (change.action == import && change.config_directory.empty()) return "config_directory is missing";
  bool named = change.name && !change.name->empty();
  if (change.action == create && !named && change.config_directory.empty()) return "name is missing";
  if (!change.before.empty() + !change.after.empty() + change.first > 1)
    return "only one of before, after and first is possible";
  return "";
}

}  // namespace

Result<InstanceChange> parse_instance_change(const std::string& body) {
  json document = json::parse(body, nullptr, false);
  if (document.is_discarded()) return model::failure("the body is not JSON");
  if (!document.is_object()) return model::failure("the body is not a JSON object");
  auto action = document.find("action");
  if (action == document.end() || !action->is_string()) return model::failure("action is missing");
  InstanceChange change;
  action->get_to(change.action);
  // An unknown word becomes the enumeration's first value: compare its spelling.
  if (json(change.action) != *action)
    return model::failure("action " + action->dump() + " is not one of init, create, import, assign, deport, destroy");
  const std::set<std::string>& known = kKeys.at(change.action);
  for (const auto& [key, value] : document.items()) {
    if (key == "action") continue;
    if (!known.contains(key)) return model::failure("unknown key \"" + key + "\" for " + std::string(*action));
    if (key == "first" ? !value.is_boolean() : !value.is_string())
      return model::failure(key + (key == "first" ? " is not true or false" : " is not a text"));
  }
  auto text = [&](const char* key) { return document.value(key, std::string()); };
  if (document.contains("name")) change.name = text("name");
  if (document.contains("group")) change.group = text("group");
  change.instance = text("instance");
  change.config_directory = text("config_directory");
  change.queue_directory = text("queue_directory");
  change.data_directory = text("data_directory");
  change.before = text("before");
  change.after = text("after");
  change.first = document.value("first", false);
  if (std::string wrong = incomplete(change); !wrong.empty()) return model::failure(std::move(wrong));
  return change;
}

}  // namespace postmultid::control
