// Places at which a test has the daemon die: `meson setup -Dfault_points=true` builds a program for that beside the one that is
// installed (tests/support/fault_points.cpp). In the latter nothing happens at them.
#pragma once

#include <string_view>

namespace postmultid::runtime {

/// What a test does at each point; set before anything else runs.
inline void (*on_fault_point)(std::string_view point, std::string_view member) = nullptr;

/// `point`: what is about to be done ("Launch"), or is known now ("proven"); `member`: to or of whom, or empty.
inline void fault_point(std::string_view point, std::string_view member = {}) {
  if (on_fault_point) on_fault_point(point, member);
}

}  // namespace postmultid::runtime
