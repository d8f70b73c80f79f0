// Our children and those that the kernel gives us: spawning with a clean slate, and reaping.
//
// The daemon is a subreaper (prctl(2)): a master that `master -w` leaves behind becomes our child, and so do the
// Postfix processes of a master that crashed. So their exit status is known, and no zombie stays.
//
// Not thread-safe: used from the event loop only.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/process.hpp"
#include "model/error.hpp"

namespace postmultid::host {

namespace asio = boost::asio;

/// Moves a child to where it is to live.
using Settle = std::function<asio::awaitable<void>(pid_t child)>;

struct Command {
  std::vector<std::string> argv;         // argv[0] is an absolute path
  std::vector<std::string> environment;  // all of it
  /// Standard output and error are one terminal: Postfix before 3.8 writes its reasons only to a terminal.
  bool terminal = false;
  std::string directory = "/";
  /// Awaited when the child is there and before it executes anything. If we die meanwhile it ends without having done so.
  /// Empty: nothing is awaited.
  Settle settle;
};

struct Ended {
  int wait_status = 0;
  std::string output;  // the last 64 KiB of standard output, on a terminal also of standard error
  std::string errors;  // the last 64 KiB of standard error, where it is not the terminal's

  bool ok() const { return wait_status == 0; }
};

class Children {
 public:
  /// Makes this process a subreaper and begins to reap.
  explicit Children(asio::io_context& loop);

  /// Runs the command to its end. Cancelled (asio's per-operation cancellation), it kills the command's process
  /// group and its children, and throws boost::system::system_error(operation_aborted).
  asio::awaitable<model::Result<Ended>> run(Command command);

  /// Starts the command and leaves it running, in a session of its own; both its outputs go to `output`.
  asio::awaitable<model::Result<Process>> start(Command command, int output);

  /// How a process ended that was our child, once; nothing if it was not, or is not dead.
  std::optional<int> take_wait_status(pid_t pid);

 private:
  asio::awaitable<void> reap_for_ever();
  void reap();

  struct Dead {
    pid_t pid;
    int wait_status;
  };

  asio::signal_set child_signals_;
  std::deque<Dead> dead_;  // the youngest at the back; bounded
};

}  // namespace postmultid::host
