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
    } else if (const auto* errand = std::get_if<Errand>(&action); errand && errand->action == model::Action::check) {
      held_.push_back({errand->id, AttemptId::none, {}, *errand});
    } else {
      if (const auto* given_up = std::get_if<Abandon>(&action)) {
        running_.erase(given_up->attempt);
        std::erase_if(held_, [&](const Held& each) { return each.attempt == given_up->attempt; });
      }
      if (const auto* gone = std::get_if<Forget>(&action))
        for (const Errand& each : take_out([&](const Errand& held) { return held.id == gone->id; }))
          passed.push_back(Concluded{each.operation, each.id, model::Outcome::failed, "no such member any more"});
      passed.push_back(std::move(action));
    }
  }
  for (; !held_.empty() && running_.size() + errands_.size() < places_; held_.pop_front())
    begin(std::move(held_.front()), passed, now);
  actions = std::move(passed);
}

std::vector<Errand> Gate::give_up(std::optional<OperationId> operation) {
  return take_out([&](const Errand& errand) { return !operation || errand.operation == *operation; });
}

std::vector<Errand> Gate::take_out(const std::function<bool(const Errand&)>& meant) {
  std::vector<Errand> taken;
  std::erase_if(held_, [&](const Held& each) {
    const auto* errand = std::get_if<Errand>(&each.check);
    if (!errand || !meant(*errand)) return false;
    taken.push_back(*errand);
    return true;
  });
  return taken;
}

void Gate::begin(Held next, std::vector<Action>& actions, Instant now) {
  if (const auto* errand = std::get_if<Errand>(&next.check)) {
    errands_.insert({errand->operation, errand->id});
  } else {
    running_.insert(next.attempt);
    actions.push_back(ArmTimer{next.id, next.attempt, now + next.limit});
  }
  actions.push_back(std::move(next.check));
}

}  // namespace postmultid::supervision
