// A change of the set of Postfix's instances, as postmulti(1) makes them: POST /v1/instances.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace postmultid::model {

struct InstanceChange {
  std::string action;                      // init, create, import, assign, deport, destroy
  std::string instance;                    // whom, as members are named; not of what is to be made
  std::optional<std::string> name, group;  // new ones; an empty one clears it
  std::string config_directory, queue_directory, data_directory;  // empty: beside the primary's
  bool first = false;                                             // the new one starts before all others
  std::string before;                                             // ... before this one
};

/// Throws nlohmann::json::exception, or std::invalid_argument with what is wrong.
void from_json(const nlohmann::json& j, InstanceChange& change);

/// What was done, in words.
struct InstanceChanged {
  std::string action, id;
  std::vector<std::string> steps;
};

void to_json(nlohmann::json& j, const InstanceChanged& changed);
void from_json(const nlohmann::json& j, InstanceChanged& changed);

}  // namespace postmultid::model
