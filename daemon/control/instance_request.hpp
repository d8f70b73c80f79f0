// What POST /v1/instances is sent: an untrusted text that becomes a change of the set of instances.
#pragma once

#include <string>

#include "model/error.hpp"
#include "model/instance_change.hpp"

namespace postmultid::control {

/// Fails, with words for the client, on anything that docs/openapi.yaml does not allow.
model::Result<model::InstanceChange> parse_instance_change(const std::string& body);

}  // namespace postmultid::control
