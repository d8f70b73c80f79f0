#include "runtime/events.hpp"

#include <algorithm>

namespace postmultid::runtime {

namespace {

constexpr std::size_t kKept = 4096;
constexpr std::size_t kHandedOver = 200;
// More than a daemon can have had since it last wrote some down.
constexpr std::uint64_t kUnknown = 10'000;

}  // namespace

void Events::add(std::string instance, std::string what, std::string message, model::WallTime now) {
  events_.push_back({++last_, now, std::move(instance), std::move(what), std::move(message)});
  if (events_.size() > kKept) events_.pop_front();
}

std::vector<model::Event> Events::after(std::uint64_t number) const {
  // What none of these has reached is of another numbering: of a daemon that has left nothing.
  if (number > last_) number = 0;
  auto first = std::upper_bound(events_.begin(), events_.end(), number,
                                [](std::uint64_t wanted, const model::Event& event) { return wanted < event.number; });
  return {first, events_.end()};
}

void Events::restore(const std::vector<model::Event>& events) {
  if (events.empty()) return;
  events_.assign(events.begin(), events.end());
  last_ = events_.back().number + kUnknown;
}

std::vector<model::Event> Events::last_few() const {
  return {events_.end() - static_cast<std::ptrdiff_t>(std::min(events_.size(), kHandedOver)), events_.end()};
}

}  // namespace postmultid::runtime
