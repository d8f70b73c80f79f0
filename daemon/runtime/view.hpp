// From the core's machines and the shell's observations to what the world sees.
#pragma once

#include "model/status.hpp"
#include "runtime/effect.hpp"
#include "runtime/ward.hpp"
#include "supervision/fleet.hpp"

namespace postmultid::runtime {

/// The core counts in monotonic time; people read wall-clock time. Both clocks at one moment.
struct Clocks {
  supervision::Instant monotonic;
  model::WallTime wall;

  static Clocks now();
  /// These again, unless one of the clocks was set or has drifted since: what is a moment must not look like another at each
  /// look.
  Clocks renewed() const;
  model::WallTime to_wall(supervision::Instant instant) const;
};

model::Member view(const supervision::Fleet& fleet, const Overview& overview, const supervision::Machine& machine,
                   const Ward& ward, const Clocks& clocks);

/// How well it is, of all that is known about it.
model::Health health_of(const supervision::Machine& machine, const Ward& ward);

/// Groups in the order of their first member, with members up of members wanted.
std::vector<model::Group> groups_of(const std::vector<model::Member>& members);

}  // namespace postmultid::runtime
