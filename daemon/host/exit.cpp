#include "host/exit.hpp"

#include <string.h>
#include <sys/wait.h>

namespace postmultid::host {

ExitWords describe_wait_status(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return {0, "", WEXITSTATUS(wait_status)};
  int number = WTERMSIG(wait_status);
  const char* name = ::sigabbrev_np(number);
  return {number, name ? std::string("SIG") + name : "signal " + std::to_string(number), std::nullopt,
          WCOREDUMP(wait_status) != 0};
}

}  // namespace postmultid::host
