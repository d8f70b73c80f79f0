// Time in the core. The core never reads a clock: every event comes with the Instant at which it was seen, and every
// wish to be called back is an Instant too. So a test runs thirty days in a second.
#pragma once

#include <chrono>

namespace postmultid::supervision {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

}  // namespace postmultid::supervision
