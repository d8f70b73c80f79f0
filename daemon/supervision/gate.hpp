// How many checks run at a time on this host, those that somebody asks for included: a boot with a hundred instances must not run
// a hundred times `postfix check` at once. What finds no place waits in line, and its time limit begins when it gets one.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "supervision/events.hpp"

namespace postmultid::supervision {

class Gate {
 public:
  explicit Gate(std::size_t places) : places_(places) {}

  /// Notes which checks these actions begin and give up, and takes out those for which there is no place; puts in those
  /// that get one now.
  void pass(std::vector<Action>& actions, Instant now);

  /// An answer with this attempt came: if it is one of a check, its place is free.
  void answered(AttemptId attempt) { running_.erase(attempt); }

  /// The same of an errand that is a check: somebody has asked for it, and it belongs to no attempt.
  void answered(OperationId operation, const MemberId& id) { errands_.erase({operation, id}); }

  /// Takes out the errands in line, of one operation or of all; their turn will not come.
  std::vector<Errand> give_up(std::optional<OperationId> operation = {});

  /// Whether the check of this attempt waits in line.
  bool holds(AttemptId attempt) const;

  /// The checks that somebody has asked for and that run now.
  const std::set<std::pair<OperationId, MemberId>>& errands() const { return errands_; }

 private:
  struct Held {
    MemberId id;
    AttemptId attempt;  // none: of an errand, which brings its limit itself
    Duration limit;
    Action check;
  };

  std::vector<Errand> take_out(const std::function<bool(const Errand&)>& meant);
  void begin(Held next, std::vector<Action>& actions, Instant now);

  std::size_t places_;
  std::set<AttemptId> running_;
  std::set<std::pair<OperationId, MemberId>> errands_;  // that run
  std::deque<Held> held_;
};

}  // namespace postmultid::supervision
