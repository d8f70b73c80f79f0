// The last events, numbered from 1 without a gap, the oldest forgotten.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "model/event.hpp"

namespace postmultid::runtime {

class Events {
 public:
  void add(std::string instance, std::string what, std::string message, model::WallTime now);

  /// Those with a higher number, oldest first.
  std::vector<model::Event> after(std::uint64_t number) const;

 private:
  std::deque<model::Event> events_;
  std::uint64_t last_ = 0;
};

}  // namespace postmultid::runtime
