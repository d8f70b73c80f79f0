// A wait status (wait(2)) in words.
#pragma once

#include <optional>
#include <string>

namespace postmultid::host {

struct ExitWords {
  int signal = 0;
  std::string signal_name;    // "SIGKILL"; empty if none
  std::optional<int> status;  // nothing after a signal
  bool core_dumped = false;
};

ExitWords describe_wait_status(int wait_status);

}  // namespace postmultid::host
