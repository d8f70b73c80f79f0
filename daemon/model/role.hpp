// What somebody may do, each more than the one before (design: who asks on the control socket).
#pragma once

#include <nlohmann/json.hpp>

namespace postmultid::model {

enum class Role {
  anyone,     // who can connect: whether the daemon lives
  monitor,    // how the instances are
  viewer,     // what they log, what is in their queues
  operator_,  // start, stop and the like
  admin,      // the daemon itself, and what is configured
};

NLOHMANN_JSON_SERIALIZE_ENUM(Role, {{Role::anyone, "anyone"},
                                    {Role::monitor, "monitor"},
                                    {Role::viewer, "viewer"},
                                    {Role::operator_, "operator"},
                                    {Role::admin, "admin"}})

}  // namespace postmultid::model
