// systemd's units, by its D-Bus interface (org.freedesktop.systemd1(5)): looked at, started, stopped, and waited for.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/bus.hpp"

namespace postmultid::host {

/// A unit as systemd describes it; the words are systemd's. What its type does not have is empty.
struct Unit {
  std::string load_state;                  // loaded, not-found, masked, bad-setting, error
  std::string load_error;                  // words
  std::string active_state, sub_state;     // inactive, active, activating, failed … and what that means for its type
  std::string result;                      // success, exit-code, signal, start-limit-hit …
  bool conditions_met = true;              // of its last start
  bool has_job = false;                    // something is to be done to it, or is being done
  std::string last_job;                    // how the last job ended that was seen here: done, failed, dependency …
  pid_t main_pid = 0;                      // 0: none
  int exit_code = 0, exit_status = 0;      // of its main process, as in waitid(2)
  std::uint64_t restarts = 0;              // by systemd itself
  std::chrono::microseconds active_since;  // since the epoch; 0: never
  std::uint64_t seen = 0;                  // for changed()

  /// It does its work, as far as systemd knows.
  bool up() const { return active_state == "active" || active_state == "reloading" || active_state == "refreshing"; }
  /// It does not run, and systemd is not about to start it.
  bool down() const { return (active_state == "inactive" || active_state == "failed") && !has_job; }
};

/// As in systemd.resource-control(5); nothing: unlimited, or the usual share.
struct ScopeLimits {
  std::optional<std::uint64_t> memory_max;  // bytes
  std::optional<std::uint64_t> tasks_max;   // processes and threads
  std::optional<std::uint64_t> cpu_weight;  // 1 to 10000, 100 is usual

  bool operator==(const ScopeLimits&) const = default;
};

/// A unit for processes that somebody else has begun; systemd forgets it when the last one has ended (systemd.scope(5)).
struct TransientScope {
  std::string name, description, slice;
  std::string before;  // it is stopped after this unit when the host goes down
  ScopeLimits limits;
};

class Units {
 public:
  explicit Units(asio::io_context& loop);

  /// Whether systemd runs this host. Reads one directory in /run.
  static bool here();

  /// Any name that systemd accepts; a unit that there is not has the load state "not-found".
  asio::awaitable<std::expected<Unit, BusError>> look(std::string name);

  // These return when systemd has accepted the job, not when it is done. A systemd or a bus that is being restarted is
  // waited for, some seconds.
  asio::awaitable<std::expected<void, BusError>> start(std::string name);
  asio::awaitable<std::expected<void, BusError>> stop(std::string name);
  /// SIGKILL to all its processes.
  asio::awaitable<std::expected<void, BusError>> kill(std::string name);
  /// Forgets that it failed, and how often it was started.
  asio::awaitable<std::expected<void, BusError>> reset_failed(std::string name);

  // These are asked once, and answer within the limit. A scope of that name that is there already is the error UnitExists.
  /// Returns when that process is in it.
  asio::awaitable<std::expected<void, BusError>> start_scope(TransientScope scope, pid_t pid,
                                                             std::chrono::milliseconds limit);
  /// Moves that process into a scope that is there.
  asio::awaitable<std::expected<void, BusError>> join(std::string name, pid_t pid, std::chrono::milliseconds limit);
  asio::awaitable<std::expected<void, BusError>> limit(std::string name, ScopeLimits limits,
                                                       std::chrono::milliseconds limit);

  /// Returns when the unit may be another than it was `seen`, after `limit` in any case.
  asio::awaitable<void> changed(std::string name, std::uint64_t seen, std::chrono::milliseconds limit);

  asio::io_context& loop() { return loop_; }

 private:
  /// One that was looked at. There are as many as the definition has ever named.
  struct Watched {
    explicit Watched(asio::io_context& loop) : news(loop, asio::steady_timer::time_point::max()) {}

    std::string path;  // systemd's object; another one for an alias
    std::string last_job;
    bool held = false;  // systemd keeps it in mind for us, for as long as we are connected
    std::uint64_t changes = 1;
    asio::steady_timer news;  // cancelled with each change
  };

  asio::awaitable<Reply> ask(std::string member, Bus::Arguments arguments);
  asio::awaitable<Reply> ask_once(std::string member, Bus::Arguments arguments, std::chrono::milliseconds limit);
  asio::awaitable<Reply> persist(Method method, Bus::Arguments arguments);
  asio::awaitable<std::expected<void, BusError>> order(std::string member, Bus::Arguments arguments);
  asio::awaitable<void> introduce_ourselves();
  asio::awaitable<void> hold(std::string name);
  Watched& watched(const std::string& name);
  void watch(Watched& unit, const std::string& path);
  void on_job_removed(sd_bus_message* signal);
  void on_owner(sd_bus_message* signal);
  static void note_change(Watched& unit);

  asio::io_context& loop_;
  std::map<std::string, std::unique_ptr<Watched>> watched_;
  Bus bus_;
};

}  // namespace postmultid::host
