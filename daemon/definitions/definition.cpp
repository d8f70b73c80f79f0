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

void PostfixText::append(const PostfixText& later) {
  text += later.text;
  lines.insert(lines.end(), later.lines.begin(), later.lines.end());
}

bool Configuration::empty() const {
  return main_cf.empty() && master_cf.empty() && remove_main_cf.empty() && remove_master_cf.empty() && maps.empty();
}

Configuration Configuration::with(const Configuration& nearer) const {
  Configuration both = *this;
  both.main_cf.append(nearer.main_cf);
  both.master_cf.append(nearer.master_cf);
  both.remove_main_cf.insert(both.remove_main_cf.end(), nearer.remove_main_cf.begin(), nearer.remove_main_cf.end());
  both.remove_master_cf.insert(both.remove_master_cf.end(), nearer.remove_master_cf.begin(),
                               nearer.remove_master_cf.end());
  for (const Map& map : nearer.maps) {
    std::erase_if(both.maps, [&](const Map& each) { return each.name.text == map.name.text; });
    both.maps.push_back(map);
  }
  return both;
}

Configuration Definition::configuration_of(const Instance& instance) const {
  return default_configuration.with(instance.configuration);
}

std::string Endpoint::text() const {
  if (!path.empty()) return "unix://" + path;
  bool ipv6 = host.find(':') != std::string::npos;
  return "tcp://" + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace postmultid::definitions
