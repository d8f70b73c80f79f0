// What all conversations on the socket share beside the service.
#pragma once

#include "control/counters.hpp"
#include "control/rendering.hpp"

namespace postmultid::control {

struct Desk {
  explicit Desk(runtime::Service& service) : renderings(service) {}

  Renderings renderings;
  Counters counters;
};

}  // namespace postmultid::control
