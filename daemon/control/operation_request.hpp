// The body of POST /v1/operations.
#pragma once

#include <string>

#include "model/error.hpp"
#include "model/operation.hpp"

namespace postmultid::control {

/// Reads {"action": …, "select": {…}, "options": {…}}; every unknown key is refused, so that a slip is never taken for a wish.
model::Result<model::Request> parse_operation(const std::string& body);

}  // namespace postmultid::control
