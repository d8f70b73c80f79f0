// How many checks run at a time on this host: a boot with a hundred instances must not run a hundred times `postfix check`
// at once. What finds no place waits in line, and its time limit begins when it gets one.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
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

  /// Whether the check of this attempt waits in line.
  bool holds(AttemptId attempt) const;

 private:
  struct Held {
    MemberId id;
    AttemptId attempt;
    Duration limit;
    Action check;
  };

  std::size_t places_;
  std::set<AttemptId> running_;
  std::deque<Held> held_;
};

}  // namespace postmultid::supervision
