// The whole API in one table: method, path, who may, what it does. docs/openapi.yaml describes each route.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>

#include "control/message.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

/// Finds the route, runs it, and counts it. Every refusal is application/problem+json.
asio::awaitable<Response> route(runtime::Service& service, Request request);

}  // namespace postmultid::control
