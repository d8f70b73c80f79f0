// The body of POST /v1/operations.
#pragma once

#include <string>

#include "model/error.hpp"
#include "model/operation.hpp"

namespace postmultid::control {

struct OperationRequest {
  model::Request request;
  bool dry_run = false;  // only tell what would be done
};

/// Reads {"action": …, "select": {…}, "options": {…}, "dry_run": …}; every unknown key is refused, so that a slip is never
/// taken for a wish.
model::Result<OperationRequest> parse_operation(const std::string& body);

}  // namespace postmultid::control
