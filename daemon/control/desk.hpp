// What all conversations share beside the service, by whatever door they came.
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
