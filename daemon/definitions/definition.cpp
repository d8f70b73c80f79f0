#include "definitions/definition.hpp"

namespace postmultid::definitions {

Supervise Supervise::over(const Supervise& further) const {
  auto nearer = [](const auto& here, const auto& there) { return here ? here : there; };
  return {.restart = nearer(restart, further.restart),
          .on_unhealthy = nearer(on_unhealthy, further.on_unhealthy),
          .on_upgrade = nearer(on_upgrade, further.on_upgrade),
          .restart_delay = nearer(restart_delay, further.restart_delay),
          .restart_delay_max = nearer(restart_delay_max, further.restart_delay_max),
          .stable_after = nearer(stable_after, further.stable_after),
          .start_limit_interval = nearer(start_limit_interval, further.start_limit_interval),
          .start_limit = nearer(start_limit, further.start_limit),
          .retry_failed = nearer(retry_failed, further.retry_failed),
          .start_timeout = nearer(start_timeout, further.start_timeout),
          .stop_timeout = nearer(stop_timeout, further.stop_timeout),
          .stop_grace = nearer(stop_grace, further.stop_grace),
          .orphan_grace = nearer(orphan_grace, further.orphan_grace),
          .memory_max = nearer(memory_max, further.memory_max),
          .tasks_max = nearer(tasks_max, further.tasks_max),
          .cpu_weight = nearer(cpu_weight, further.cpu_weight)};
}

std::string Endpoint::text() const {
  if (!path.empty()) return "unix://" + path;
  bool ipv6 = host.find(':') != std::string::npos;
  return "tcp://" + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace postmultid::definitions
