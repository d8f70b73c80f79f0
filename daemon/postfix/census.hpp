// How many processes each instance has. To ask every process on the host whose it is, for each of two hundred instances, would
// be a processor's work: one look at all of them is for whoever asks within the next seconds.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "host/proc.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// For any thread; may block on /proc.
class Census {
 public:
  /// Its master, and what that has started, as of a few seconds ago at most. For the eye: nothing is ended by it (leftovers.hpp).
  std::size_t count(const Instance& instance);

 private:
  struct Look {
    std::chrono::steady_clock::time_point good_until = std::chrono::steady_clock::time_point::min();
    std::map<host::FileId, std::size_t> standing_in;  // by working directory
  };

  std::mutex mutex_;
  std::map<std::string, Look> looks_;  // by the directory whose programs run
};

}  // namespace postmultid::postfix
