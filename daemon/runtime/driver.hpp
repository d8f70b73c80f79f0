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

#include "host/cgroup.hpp"
#include "host/log_mark.hpp"
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
  std::string program;                     // replaced by an upgrade; empty: none that matters
  bool by_looking = false;                 // nothing tells when somebody starts it: it is looked for now and then
};

/// How closely something is looked at: cheaply; also what is too dear for every time; also what leaves traces in its log.
enum class Look { quick, thorough, as_client };

/// What is counted now and then.
struct Counts {
  std::optional<model::QueueCounts> queue;
  std::optional<std::uint64_t> processes;
  std::vector<std::string> stale_tables;  // as TYPE:SOURCE
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
  /// How well it does its work.
  virtual asio::awaitable<model::Readiness> look(pid_t pid, Look how) const = 0;
  virtual asio::awaitable<unsigned> clear_listeners(pid_t dead) const = 0;
  /// Programs that what runs as `pid` has begun and that its end does not reach.
  virtual asio::awaitable<host::Processes> commands(pid_t pid) const = 0;
  /// What is left of earlier lives beside what runs as `pid`.
  virtual asio::awaitable<host::Processes> survivors(pid_t pid) const = 0;
  /// `commands`: those that had been begun when it was told to end.
  virtual asio::awaitable<void> sweep(bool force, pid_t only_of, host::Processes commands) const = 0;
  /// Returns when what the dead process left under way is done; says now and then what that is.
  virtual asio::awaitable<void> drain(pid_t dead, std::function<void(std::string)> tell) const = 0;
  virtual asio::awaitable<Done> reload(std::shared_ptr<const host::Process> process) const = 0;
  virtual asio::awaitable<Done> flush() const = 0;
  virtual asio::awaitable<Done> enable(bool enabled) const = 0;

  /// Returns when what a start lacked may have come: `holder`, who had it, has ended; 0: an answer, where a driver asks for
  /// one. False: nobody can tell.
  virtual asio::awaitable<bool> relieved(pid_t holder) const;

  /// Whether one that is gone, and that nobody saw end, was stopped by somebody else. Blocks.
  virtual bool was_stopped_by_others(pid_t) const { return false; }

  /// Whether what runs as `pid` was replaced on the disk. Blocks.
  virtual bool is_outdated(pid_t pid) const = 0;

  /// Where it is to be reached when it runs: "*:25".
  virtual std::vector<std::string> serves() const { return {}; }
  /// Where its log ends now. Blocks.
  virtual host::LogMark mark_log() const { return {std::chrono::system_clock::now(), {}}; }
  /// That failure, with what its log says about it since then: of one process that has died, or of all of the member (0).
  /// Waits a moment for what is written late.
  virtual asio::awaitable<model::Fault> explain(model::Fault fault, host::LogMark since, pid_t dead) const;

  /// The cgroup in which all that is left of it is, whether it is there now or not; none where it can have none.
  virtual host::Cgroup cgroup() const { return {}; }
  /// Sees to it that the limits that were declared are in force for what runs as `pid`; returns what is not, in words.
  virtual asio::awaitable<std::vector<std::string>> enforce_limits(pid_t pid) const;

  /// Blocks.
  virtual Counts count() const = 0;
  /// The last lines of its log. Blocks.
  virtual model::Result<std::vector<std::string>> last_lines(std::size_t count) const = 0;
};

}  // namespace postmultid::runtime
