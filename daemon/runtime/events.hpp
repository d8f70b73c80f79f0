// The last events, numbered from 1 on, the oldest forgotten. Without a gap, but where one daemon has followed another: those that
// the earlier one had no time to leave behind have numbers that nobody else gets.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "model/event.hpp"

namespace postmultid::runtime {

class Events {
 public:
  /// Gives it the next number.
  void add(model::Event event, model::WallTime now);

  /// Those with a higher number, oldest first, and of these the first `most`.
  std::vector<model::Event> after(std::uint64_t number, std::size_t most) const;

  std::uint64_t newest() const { return last_; }

  /// Goes on behind those of an earlier daemon.
  void restore(const std::vector<model::Event>& events);

  /// The last few, for the next daemon.
  std::vector<model::Event> last_few() const;

 private:
  std::deque<model::Event> events_;
  std::uint64_t last_ = 0;
};

}  // namespace postmultid::runtime
