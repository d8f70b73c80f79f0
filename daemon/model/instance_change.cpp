#include "model/instance_change.hpp"

namespace postmultid::model {

using nlohmann::json;

void to_json(json& j, const InstanceChange& change) {
  j = json{{"action", change.action}};
  auto add = [&j](const char* key, const std::string& value) {
    if (!value.empty()) j[key] = value;
  };
  add("instance", change.instance);
  if (change.name) j["name"] = *change.name;
  if (change.group) j["group"] = *change.group;
  add("config_directory", change.config_directory);
  add("queue_directory", change.queue_directory);
  add("data_directory", change.data_directory);
  add("before", change.before);
  add("after", change.after);
  if (change.first) j["first"] = true;
}

void to_json(json& j, const InstanceChanged& changed) {
  j = json{{"action", changed.action},
           {"instance", changed.instance.text},
           {"config_directory", changed.config_directory},
           {"steps", changed.steps},
           {"left", changed.left}};
}

void from_json(const json& j, InstanceChanged& changed) {
  j.at("action").get_to(changed.action);
  j.at("instance").get_to(changed.instance.text);
  j.at("config_directory").get_to(changed.config_directory);
  j.at("steps").get_to(changed.steps);
  j.at("left").get_to(changed.left);
}

}  // namespace postmultid::model
