#include "supervision/gate.hpp"

#include <algorithm>
#include <variant>

namespace postmultid::supervision {

bool Gate::holds(AttemptId attempt) const {
  return std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return held.attempt == attempt; });
}

void Gate::pass(std::vector<Action>& actions, Instant now) {
  std::vector<Action> passed;
  // A check takes the timer with it that was armed for it just before.
  auto hold = [&](const auto& check) {
    auto timer = std::find_if(passed.begin(), passed.end(), [&](const Action& each) {
      const auto* armed = std::get_if<ArmTimer>(&each);
      return armed && armed->attempt == check.attempt;
    });
    Duration limit = std::chrono::duration_cast<Duration>(std::get<ArmTimer>(*timer).at - now);
    passed.erase(timer);
    held_.push_back({check.id, check.attempt, limit, check});
  };
  for (Action& action : actions) {
    if (const auto* check = std::get_if<Check>(&action)) {
      hold(*check);
    } else if (const auto* guard = std::get_if<Guard>(&action)) {
      hold(*guard);
    } else {
      if (const auto* given_up = std::get_if<Abandon>(&action)) {
        running_.erase(given_up->attempt);
        std::erase_if(held_, [&](const Held& each) { return each.attempt == given_up->attempt; });
      }
      passed.push_back(std::move(action));
    }
  }
  for (; !held_.empty() && running_.size() < places_; held_.pop_front()) {
    Held& next = held_.front();
    running_.insert(next.attempt);
    passed.push_back(ArmTimer{next.id, next.attempt, now + next.limit});
    passed.push_back(std::move(next.check));
  }
  actions = std::move(passed);
}

}  // namespace postmultid::supervision
