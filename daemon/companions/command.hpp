// A companion that is a command of ours: something else that stands in a group's order, such as a content filter.
//
// It runs in a session of its own, so that all it starts can be found, and outlives this daemon as the masters do. The
// next daemon knows it again by a record that only root can write: pid, start time and boot. A pid alone proves nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "companions/endpoint.hpp"
#include "host/cgroup.hpp"
#include "host/children.hpp"
#include "model/fault.hpp"
#include "model/status.hpp"

namespace postmultid::companions {

namespace asio = boost::asio;

struct Command {
  std::string name;
  std::vector<std::string> argv;
  std::string user, group;  // empty: ours; the user's own
  std::map<std::string, std::string> environment;
  std::string directory = "/";
  std::optional<Endpoint> ready;
  int stop_signal = 15;
  std::string place;   // where it was declared, for messages
  std::string record;  // the file that the next daemon knows it by

  bool operator==(const Command&) const = default;
};

struct Running {
  host::Process process;
  std::uint64_t start_ticks = 0;
  std::string executable;
};

using Done = std::expected<void, model::Fault>;

/// The process that the record names, if it is that one and lives. Reads /proc and the record.
std::optional<Running> find(const Command& command);

/// Whether it can be run at all: its user, group, program and directory exist. May ask the user database.
Done check(const Command& command);

/// Starts it and writes the record. Refused where somebody else already answers at its endpoint: that would be taken for
/// its readiness.
asio::awaitable<Done> launch(host::Children& children, asio::thread_pool& pool, Command command, host::Cgroup own,
                             host::Settle settle);

/// The process that was launched, once it runs the command's own program. Nothing: it has ended.
asio::awaitable<std::optional<Running>> await_program(asio::thread_pool& pool, Command command);

/// Waits until it answers where it should; without `ready` it is ready as soon as it runs.
asio::awaitable<std::expected<model::Readiness, model::Fault>> await_ready(Command command, pid_t pid,
                                                                           std::chrono::milliseconds limit);

/// Looks once.
asio::awaitable<model::Readiness> look(Command command, pid_t pid);

/// Ends what is left of its session, and in its own cgroup, and returns when nothing is, its record removed; with SIGKILL if
/// `force`.
asio::awaitable<void> sweep(asio::thread_pool& pool, Command command, host::Cgroup own, bool force);

/// The same within some seconds, first with SIGTERM, then with SIGKILL.
asio::awaitable<void> clear(asio::thread_pool& pool, Command command, host::Cgroup own);

/// The names of those that have a record in this directory. Reads the directory.
std::vector<std::string> records(const std::string& directory);

/// How many processes its session has.
std::size_t processes(const Command& command);

}  // namespace postmultid::companions
