// What is wrong with a member, in Postfix's or the kernel's own words, and what to do about it.
#pragma once

#include <string>

#include "model/words.hpp"

namespace postmultid::model {

/// What is missing in the surroundings: whoever waits for it tries again when that has changed.
enum class Missing { nothing, address, port, mount, space, name, answer };

struct Fault {
  FailureClass kind = FailureClass::crash;
  std::string code;     // stable, for programs
  std::string message;  // with file and line where there is one
  std::string hint;     // a command that can be pasted, or empty
  Missing missing = Missing::nothing;
  int holder = 0;  // the pid of whoever has the port
};

}  // namespace postmultid::model
