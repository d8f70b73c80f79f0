// What is wrong with a member, in Postfix's or the kernel's own words, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "model/words.hpp"

namespace postmultid::model {

/// What is missing in the surroundings: whoever waits for it tries again when that has changed.
enum class Missing { nothing, address, port, mount, space, name, lock, answer };

struct Fault {
  FailureClass kind = FailureClass::crash;
  std::string code;     // stable, for programs
  std::string message;  // with file and line where there is one
  std::string hint;     // a command that can be pasted, or empty
  Missing missing = Missing::nothing;
  int holder = 0;                // the pid of whoever has the port or the lock
  std::vector<std::string> log;  // the last words of its log about it; few, and short
  std::string last_good;         // the directory with the files that it last ran well with, if they are others now
};

}  // namespace postmultid::model
