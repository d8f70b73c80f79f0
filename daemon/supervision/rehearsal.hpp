// What a request would do, and in which order: it is played on a copy of the fleet, where all work succeeds at once. So
// the answer comes from the same rules that would carry it out, and cannot differ from them.
#pragma once

#include <string>
#include <vector>

#include "supervision/fleet.hpp"

namespace postmultid::supervision {

struct RehearsedStep {
  MemberId id;
  std::string step;  // as in Progress
};

struct Rehearsal {
  std::vector<RehearsedStep> steps;    // of the requested operation, in the order in which they would be taken
  std::vector<Concluded> conclusions;  // in the order in which they would be known
  bool complete = true;                // false: it would be more than can be looked at; the rest is left out
};

/// Plays that request, on what the core knows: a master that nobody has seen yet is not there. What is under way already goes on to its end, as it would beside it; no timer runs out. A member
/// without a conclusion would wait for something that only time or somebody else can bring about.
Rehearsal rehearse(const Fleet& fleet, Requested request, Instant now);

}  // namespace postmultid::supervision
