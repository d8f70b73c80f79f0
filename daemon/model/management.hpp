// Who runs this host's mail system: what a takeover and a handback do, and how postfix(1) reaches us.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace postmultid::model {

/// takeover and handback are both ways of the whole; the wrapper (postfix(1)'s multi_instance_wrapper) can go by itself.
enum class ManagementChange { takeover, handback, install_wrapper, remove_wrapper };

/// One step of it, as done, or as it would be.
struct ManagementStep {
  std::string name;    // units, mode, wrapper
  bool done = false;   // false: nothing was to do, or, asked what would be done, it is not yet
  std::string detail;  // what it is about
};

/// Whether this value of multi_instance_wrapper, its parameters expanded, means `pmctl postfix --`.
bool wrapper_is_ours(const std::string& value);

NLOHMANN_JSON_SERIALIZE_ENUM(ManagementChange, {{ManagementChange::takeover, "takeover"},
                                                {ManagementChange::handback, "handback"},
                                                {ManagementChange::install_wrapper, "wrapper-install"},
                                                {ManagementChange::remove_wrapper, "wrapper-remove"}})

inline void to_json(nlohmann::json& j, const ManagementStep& step) {
  j = {{"name", step.name}, {"done", step.done}, {"detail", step.detail}};
}

inline void from_json(const nlohmann::json& j, ManagementStep& step) {
  step = {j.at("name"), j.at("done"), j.at("detail")};
}

}  // namespace postmultid::model
