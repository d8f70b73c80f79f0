#include "runtime/events.hpp"

#include <algorithm>

namespace postmultid::runtime {

namespace {

constexpr std::size_t kKept = 4096;

}  // namespace

void Events::add(std::string instance, std::string what, std::string message, model::WallTime now) {
  events_.push_back({++last_, now, std::move(instance), std::move(what), std::move(message)});
  if (events_.size() > kKept) events_.pop_front();
}

std::vector<model::Event> Events::after(std::uint64_t number) const {
  auto first = std::upper_bound(events_.begin(), events_.end(), number,
                                [](std::uint64_t wanted, const model::Event& event) { return wanted < event.number; });
  return {first, events_.end()};
}

}  // namespace postmultid::runtime
