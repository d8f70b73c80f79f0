// A change of the set of instances: what POST /v1/instances asks for and answers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"

namespace postmultid::model {

enum class ChangeAction { init, create, import, assign, deport, destroy };

/// Each action has some of it only (control/instance_request.cpp).
struct InstanceChange {
  ChangeAction action = ChangeAction::init;
  std::string instance;                                           // whom: by any of the ways to name one
  std::optional<std::string> name, group;                         // that it is to have; empty: none
  std::string config_directory, queue_directory, data_directory;  // empty: where postmulti puts them
  std::string before, after;                                      // whom it is to stand beside
  bool first = false;                                             // of the secondaries
};

struct InstanceChanged {
  ChangeAction action = ChangeAction::init;
  MemberId instance;  // as it is called now, or was last
  std::string config_directory;
  std::vector<std::string> steps;  // what was done, in words; none: all was so already
  std::vector<std::string> left;   // destroy: the paths that are still there
};

void to_json(nlohmann::json& j, const InstanceChange& change);
void to_json(nlohmann::json& j, const InstanceChanged& changed);
void from_json(const nlohmann::json& j, InstanceChanged& changed);

NLOHMANN_JSON_SERIALIZE_ENUM(ChangeAction, {{ChangeAction::init, "init"},
                                            {ChangeAction::create, "create"},
                                            {ChangeAction::import, "import"},
                                            {ChangeAction::assign, "assign"},
                                            {ChangeAction::deport, "deport"},
                                            {ChangeAction::destroy, "destroy"}})

}  // namespace postmultid::model
