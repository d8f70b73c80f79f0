// The whole API in one table: method, path, who may, what it does. docs/openapi.yaml describes each route.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "control/door.hpp"
#include "control/message.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

struct Route;

/// A route that was found, and that this peer may take.
struct Call {
  const Route* route = nullptr;
  std::string parameter;
};

struct RouteName {
  std::string_view method, path;
  model::Role role;
};

/// The table's first three columns: what there is to be documented.
std::vector<RouteName> route_names();

/// Before the body is read: nobody makes us read what they may not send. Every refusal is application/problem+json.
std::expected<Call, Response> admit(Door& door, const Request& request);

asio::awaitable<Response> carry_out(Door& door, Call call, Request request);

}  // namespace postmultid::control
