#include "runtime/events.hpp"

#include <algorithm>

namespace postmultid::runtime {

namespace {

constexpr std::size_t kKept = 4096;
constexpr std::size_t kHandedOver = 200;
// More than a daemon can have had since it last wrote some down.
constexpr std::uint64_t kUnknown = 10'000;

}  // namespace

void Events::add(model::Event event, model::WallTime now) {
  event.number = ++last_;
  event.at = now;
  events_.push_back(std::move(event));
  if (events_.size() > kKept) events_.pop_front();
}

std::vector<model::Event> Events::after(std::uint64_t number, std::size_t most) const {
  auto first = std::upper_bound(events_.begin(), events_.end(), number,
                                [](std::uint64_t wanted, const model::Event& event) { return wanted < event.number; });
  return {first, first + static_cast<std::ptrdiff_t>(std::min(most, static_cast<std::size_t>(events_.end() - first)))};
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
