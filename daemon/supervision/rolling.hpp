// Restarts one member at a time: none before the last one is ready again, and none after one that was not. So of members
// that stand in for each other all but one serve at any time, and a mistake that is in all of them costs one at most.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "supervision/events.hpp"

namespace postmultid::supervision {

class Rolling {
 public:
  /// `up`: those of them that are wanted up.
  Rolling(OperationId operation, std::deque<MemberId> members, std::set<MemberId> up, model::OperationOptions options)
      : operation_(operation), options_(options), up_(std::move(up)), left_(std::move(members)) {}

  OperationId operation() const { return operation_; }
  /// What each of them is restarted with.
  const model::OperationOptions& options() const { return options_; }

  /// Who was up then and is down when his turn comes was stopped by somebody meanwhile, and stays so.
  bool was_up(const MemberId& member) const { return up_.contains(member); }

  /// Its turn is still to come, or has come and is not over.
  bool concerns(const MemberId& member) const;

  /// Whose turn it is now: none while the last one is under way, or when it is over.
  std::optional<MemberId> next();

  /// Learns from what was concluded what became of the last one. If that was no success the others are concluded.
  void learn(std::vector<Action>& actions);

  /// Gives up those that it has not come to yet: one of them, or all.
  void give_up(const MemberId& member, model::Outcome outcome, const std::string& why, std::vector<Action>& actions);
  void give_up(model::Outcome outcome, const std::string& why, std::vector<Action>& actions);

  bool over() const { return left_.empty() && !current_; }

 private:
  OperationId operation_;
  model::OperationOptions options_;
  std::set<MemberId> up_;
  std::deque<MemberId> left_;
  std::optional<MemberId> current_;
};

}  // namespace postmultid::supervision
