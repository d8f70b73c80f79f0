#include "control/counters.hpp"

#include <algorithm>

namespace postmultid::control {

void Counters::answered(const std::string& route, int status, std::chrono::nanoseconds took) {
  RouteCount& count = routes_[route];
  double seconds = std::chrono::duration<double>(took).count();
  ++count.by_status[status];
  ++count.all;
  count.seconds += seconds;
  auto limit = std::lower_bound(RouteCount::kLimits.begin(), RouteCount::kLimits.end(), seconds);
  if (limit != RouteCount::kLimits.end()) ++count.within[static_cast<std::size_t>(limit - RouteCount::kLimits.begin())];
}

}  // namespace postmultid::control
