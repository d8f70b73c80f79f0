// How the shell does for one kind of member what the core wants done. The core and the shell do not know what a member
// is; a driver does. It is an immutable description of one member at one reading of its files: what runs keeps the
// driver that it was started with, whatever the files say by now. What runs is a Life (runtime/life.hpp).
//
// Everything that waits is a coroutine of the event loop; what says "blocks" is for a thread of the pool. Whoever awaits
// a driver's coroutine holds the driver meanwhile.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "model/fault.hpp"
#include "model/status.hpp"
#include "runtime/life.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

using Done = std::expected<void, model::Fault>;
using Search = std::expected<std::shared_ptr<const Life>, model::Fault>;  // null: nothing runs
using Proved = std::expected<std::shared_ptr<const Life>, model::Fault>;  // never null
using Ready = std::expected<model::Readiness, model::Fault>;
using std::chrono::milliseconds;

/// What a member's changes can be seen by.
struct Watched {
  std::vector<std::string> configuration;  // read again when one of these changes
  std::string pid_file;                    // written when somebody starts it; empty: nobody else can
  std::vector<std::string> reload_on;      // reloaded when one of these changes
  bool by_looking = false;                 // nothing tells when somebody starts it: it is looked for now and then
};

/// What is counted now and then.
struct Counts {
  std::optional<model::QueueCounts> queue;
  std::optional<std::uint64_t> processes;
};

class Driver {
 public:
  virtual ~Driver() = default;

  /// Fills in who it is.
  virtual void describe(model::Member& member) const = 0;
  virtual Watched watched() const = 0;
  /// Whether what was started as `before` has to be started again to be as this says.
  virtual bool needs_restart_from(const Driver& before) const = 0;

  virtual asio::awaitable<Search> find() const = 0;
  /// `accept_new_queue`: also where its files are on another file system than last time.
  virtual asio::awaitable<Done> check(bool accept_new_queue) const = 0;
  /// Would a reload, or a restart, of what runs as `pid` end well?
  virtual asio::awaitable<Done> guard(bool restart, bool accept_new_queue, pid_t pid) const = 0;
  virtual asio::awaitable<Done> launch(bool accept_new_queue) const = 0;
  virtual asio::awaitable<Proved> await_life(milliseconds limit) const = 0;
  virtual asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const = 0;
  virtual asio::awaitable<model::Readiness> look(pid_t pid) const = 0;
  virtual asio::awaitable<unsigned> clear_listeners(pid_t dead) const = 0;
  virtual asio::awaitable<void> sweep(bool force, pid_t only_of) const = 0;
  /// Returns when what the dead process left under way is done; says now and then what that is.
  virtual asio::awaitable<void> drain(pid_t dead, std::function<void(std::string)> tell) const = 0;
  virtual asio::awaitable<Done> reload(std::shared_ptr<const host::Process> process) const = 0;
  virtual asio::awaitable<Done> flush() const = 0;
  virtual asio::awaitable<Done> enable(bool enabled) const = 0;

  /// Returns when what a start lacked may have come: `holder`, who had it, has ended; 0: an answer, where a driver asks for
  /// one. False: nobody can tell.
  virtual asio::awaitable<bool> relieved(pid_t holder) const;

  /// Blocks.
  virtual Counts count() const = 0;
  /// The last lines of its log. Blocks.
  virtual model::Result<std::vector<std::string>> last_lines(std::size_t count) const = 0;
};

}  // namespace postmultid::runtime
