#include "supervision/rolling.hpp"

#include <algorithm>

namespace postmultid::supervision {

using model::Outcome;

bool Rolling::concerns(const MemberId& member) const {
  return current_ == member || std::ranges::find(left_, member) != left_.end();
}

std::optional<MemberId> Rolling::next() {
  if (current_ || left_.empty()) return std::nullopt;
  current_ = std::move(left_.front());
  left_.pop_front();
  return current_;
}

void Rolling::learn(std::vector<Action>& actions) {
  if (!current_) return;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const auto* concluded = std::get_if<Concluded>(&actions[i]);
    if (!concluded || concluded->operation != operation_ || concluded->id != *current_) continue;
    bool ready = concluded->outcome == Outcome::done || concluded->outcome == Outcome::unchanged;
    std::string why = "not begun: " + current_->text + " was not restarted";
    current_.reset();
    if (!ready) give_up(Outcome::cancelled, why, actions);
    return;
  }
}

void Rolling::give_up(const MemberId& member, Outcome outcome, const std::string& why, std::vector<Action>& actions) {
  if (std::erase(left_, member)) actions.push_back(Concluded{operation_, member, outcome, why});
}

void Rolling::give_up(Outcome outcome, const std::string& why, std::vector<Action>& actions) {
  for (const MemberId& member : left_) actions.push_back(Concluded{operation_, member, outcome, why});
  left_.clear();
}

}  // namespace postmultid::supervision
