// A child that is there but waits before it executes its program, so that it can be moved first to where the program is to
// live. Everything else about it is as posix_spawn with a clean slate makes it (host/children.cpp).
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

namespace asio = boost::asio;

class Launcher {
 public:
  /// Forks. The child waits for go(); it ends when this is destroyed, or this process dies, before.
  static model::Result<Launcher> prepare(std::vector<std::string> argv, std::vector<std::string> environment,
                                         const std::string& directory, int output, int errors);

  pid_t pid() const { return pid_; }

  /// Lets it execute its program, and tells whether it does. One that has been killed is no failure here: how it ended says
  /// so.
  asio::awaitable<model::Result<void>> go();

 private:
  Launcher(std::string program, pid_t pid, Fd word, Fd fault)
      : program_(std::move(program)), pid_(pid), word_(std::move(word)), fault_(std::move(fault)) {}

  std::string program_;
  pid_t pid_;
  Fd word_;   // we write one byte
  Fd fault_;  // the child's errno, or the end of the file when it has executed
};

}  // namespace postmultid::host
