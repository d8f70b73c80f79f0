// postmultid: command line and wiring, nothing else.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <variant>

#include "control/server.hpp"
#include "host/lock.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/own_file.hpp"
#include "host/own_unit.hpp"
#include "host/proc.hpp"
#include "host/watch.hpp"
#include "runtime/handover.hpp"
#include "runtime/shell.hpp"

namespace asio = boost::asio;
using postmultid::host::Level;
using postmultid::host::log;

namespace {

// Enough that one hanging file system does not keep the others' work waiting.
constexpr unsigned kThreads = 8;
constexpr char kHostLock[] = "/run/postmultid.lock";

// What a detach may take: to answer who waits, and to write down what the next daemon has to know.
constexpr std::chrono::milliseconds kAnswerLimit{500}, kKeepLimit{2000};
// While all are being stopped systemd is asked for more time every second.
constexpr std::chrono::seconds kMoreTime{10};

struct Options {
  std::string socket = "/run/postmultid/control.sock";
  std::string definition = "/etc/postmultid/postmultid.yaml";
  std::string state_directory = "/var/lib/postmultid";
  std::string pmctl = POSTMULTID_PMCTL;
  bool observe_until_takeover = false;
  Level log_level = Level::info;
  bool finish_stop = false;

  /// Without symbolic links, /var/run for one: what is kept in there is not looked for by way of any.
  std::string run_directory() const {
    std::error_code ignored;
    auto directory = std::filesystem::absolute(socket).parent_path();
    auto real = std::filesystem::weakly_canonical(directory, ignored);
    return (ignored ? directory : real).string();
  }
  std::string state_file() const { return run_directory() + "/state.json"; }
};

/// What systemd calls this run of our unit; processes of the same run have the same name for it.
std::string this_run() {
  const char* name = std::getenv("INVOCATION_ID");
  return name ? name : "by hand";
}

/// As daemons do; whoever wants to know what came of it uses `pmctl daemon reread`.
asio::awaitable<void> reread_on_sighup(postmultid::runtime::Shell& shell) {
  asio::signal_set hangup(co_await asio::this_coro::executor, SIGHUP);
  for (;;) {
    co_await hangup.async_wait(asio::use_awaitable);
    if (auto done = co_await shell.reread_all(); !done) log(Level::error, done.error().detail);
  }
}

/// Proves to systemd that this loop goes round and that what it says of itself can be said.
asio::awaitable<void> feed_watchdog(postmultid::runtime::Shell& shell) {
  auto limit = postmultid::host::watchdog_limit();
  if (!limit) co_return;
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(*limit / 3);
  for (;;) {
    if (shell.status()) postmultid::host::feed_watchdog();
    co_await postmultid::host::pause(pause);
  }
}

/// An ordered stop takes as long as its members need, but not for ever: whoever shuts the host down waits for it.
asio::awaitable<void> ask_for_time(std::chrono::seconds longest) {
  auto end = std::chrono::steady_clock::now() + longest;
  while (std::chrono::steady_clock::now() < end) {
    postmultid::host::extend_timeout(kMoreTime);
    co_await postmultid::host::pause(std::chrono::seconds(1));
  }
  log(Level::error,
      "stopping takes longer than the limits of all members together; systemd is not asked for more time");
}

/// The members live on, and the next postmultid adopts them.
asio::awaitable<void> detach(postmultid::runtime::Shell& shell, postmultid::control::Server& server) {
  log(Level::notice, "leaving all members as they are to the next postmultid");
  postmultid::host::notify_stopping();
  co_await server.finish(kAnswerLimit);
  co_await shell.kept(kKeepLimit);
}

/// Returns when all are to be stopped, or, having detached, with false. Whoever wants a stop in the middle of a detach gets it.
asio::awaitable<bool> until_stop(asio::signal_set& signals, postmultid::runtime::Shell& shell,
                                 postmultid::control::Server& server) {
  int signal = co_await signals.async_wait(asio::use_awaitable);
  while (signal == SIGUSR2 && ::getpid() == 1) {
    log(Level::warning, "SIGUSR2: the end of PID 1 would be the end of all members; nothing is done");
    signal = co_await signals.async_wait(asio::use_awaitable);
  }
  if (signal != SIGUSR2) co_return true;
  using namespace asio::experimental::awaitable_operators;
  auto first = co_await (detach(shell, server) || signals.async_wait(asio::use_awaitable));
  co_return first.index() == 1 && std::get<1>(first) != SIGUSR2;
}

asio::awaitable<void> run(asio::io_context& loop, asio::signal_set& signals, postmultid::runtime::Shell& shell,
                          postmultid::control::Server& server, const Options& options, int& exit_status) {
  if (auto opened = co_await shell.open(); !opened) {
    log(Level::error, "cannot start: " + opened.error().message);
    exit_status = 1;
    loop.stop();
    co_return;
  }
  server.serve();
  asio::co_spawn(loop, feed_watchdog(shell), postmultid::runtime::report_end);
  asio::co_spawn(loop, reread_on_sighup(shell), postmultid::runtime::report_end);
  co_await shell.settled();
  if (!options.finish_stop) {
    postmultid::host::notify_ready();
    bool stop = co_await until_stop(signals, shell, server);
    if (!stop) {
      loop.stop();
      co_return;
    }
  }
  bool observing = shell.status()->daemon.mode == postmultid::model::Mode::observe;
  log(Level::notice, observing ? "leaving what was only observed" : "stopping all members in reverse order");
  postmultid::host::notify_stopping();
  asio::co_spawn(loop, ask_for_time(shell.longest_stop()), postmultid::runtime::report_end);
  auto left = [&loop, &server] {
    server.close();
    loop.stop();
  };
  co_await shell.shut_down(this_run(), std::move(left));
  for (;;) {
    co_await signals.async_wait(asio::use_awaitable);
    log(Level::notice, "still stopping; each member has its own limits");
  }
}

/// For ExecStopPost=: whether somebody wants all members stopped, and the daemon of this run has not done it: it was cut off
/// in the middle of that, or was detaching, hanging or dead when it was told to.
bool stop_is_to_be_finished(const Options& options) {
  auto text = postmultid::host::read_own_file(options.state_file(), 64 * 1024 * 1024);
  auto now = std::chrono::steady_clock::now();
  std::string known = text ? text->value_or("") : "";
  auto left = postmultid::runtime::read_handover(known, postmultid::host::boot_id(), now);
  bool begun = left && left->stopping == this_run();
  if (!begun) return postmultid::host::own_unit_is_to_be_stopped();
  const char* result = std::getenv("SERVICE_RESULT");
  return !result || std::string(result) != "success";
}

int serve(const Options& options) {
  postmultid::host::set_log_level(options.log_level);
  if (options.finish_stop && !stop_is_to_be_finished(options)) return 0;
  // What our children inherit: `master` and its friends set their own where it matters.
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);  // the terminal that we were started from may go

  asio::io_context loop(1);
  // Ours from the first moment to the last: a signal must never find the default action, which would leave half of
  // the members started or stopped. One that comes before anybody waits for it is kept.
  asio::signal_set signals(loop, SIGTERM, SIGINT, SIGUSR2);

  // One for this host's Postfix, whatever socket it has: two would stop each other's masters.
  auto only_one = postmultid::host::take_lock(kHostLock);
  if (!only_one) {
    log(Level::error, "cannot start: " + only_one.error().message);
    return 1;
  }

  postmultid::host::notify_from(loop);
  asio::thread_pool pool(kThreads);
  postmultid::runtime::Shell shell(loop, pool,
                                   {options.definition, options.run_directory(), options.state_directory, options.pmctl,
                                    options.observe_until_takeover, options.log_level});
  postmultid::control::Server server(loop, shell, options.socket);
  if (auto listening = server.listen(options.finish_stop); !listening) {
    log(Level::error, "cannot start: " + listening.error().message);
    return 1;
  }
  log(Level::notice, "postmultid " POSTMULTID_VERSION " listens on " + options.socket);
  int exit_status = 0;
  asio::co_spawn(loop, run(loop, signals, shell, server, options, exit_status), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
  log(Level::notice, "postmultid ends");
  // Not by way of the destructors: a thread whose disk hangs would never be joined.
  std::_Exit(exit_status);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"postmultid supervises all Postfix instances of this host.", "postmultid"};
  Options options;
  const std::map<std::string, Level> levels{{"error", Level::error},
                                            {"warning", Level::warning},
                                            {"notice", Level::notice},
                                            {"info", Level::info},
                                            {"debug", Level::debug}};
  app.add_option("--socket", options.socket, "The control socket")->capture_default_str();
  app.add_option("--definition", options.definition, "The definition file; conf.d/*.yaml beside it is read as well")
      ->capture_default_str();
  app.add_option("--state-directory", options.state_directory, "What is kept over boots")->capture_default_str();
  app.add_flag("--observe-until-takeover", options.observe_until_takeover,
               "Only look, until pmctl takeover makes it the manager of this host");
  app.add_option("--pmctl", options.pmctl, "Where pmctl is: units and postfix(1) run it after a takeover")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "error, warning, notice, info or debug")
      ->transform(CLI::CheckedTransformer(levels));
  app.add_flag(
      "--finish-stop", options.finish_stop,
      "Stop all members if that was wanted of the daemon before and is not done; for ExecStopPost= of the unit");
  app.set_version_flag("--version", "postmultid " POSTMULTID_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (::geteuid() != 0) {
    log(Level::error, "cannot start: Postfix masters can only be started by root");
    return 1;
  }
  return serve(options);
}
