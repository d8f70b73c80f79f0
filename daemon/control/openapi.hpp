// docs/openapi.yaml as JSON, made by the build (control/embed_openapi.py).
#pragma once

#include <string_view>

namespace postmultid::control {

extern const std::string_view kOpenApi;

}  // namespace postmultid::control
