// postmultid: command line and wiring, nothing else.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "control/server.hpp"
#include "host/lock.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "runtime/shell.hpp"

namespace asio = boost::asio;
using postmultid::host::Level;
using postmultid::host::log;

namespace {

// Enough that one hanging file system does not keep the others' work waiting.
constexpr unsigned kThreads = 8;
constexpr char kHostLock[] = "/run/postmultid.lock";

struct Options {
  std::string socket = "/run/postmultid/control.sock";
  std::string definition = "/etc/postmultid/postmultid.yaml";
  std::string state_directory = "/var/lib/postmultid";
  std::string pmctl = POSTMULTID_PMCTL;
  bool observe_until_takeover = false;
  Level log_level = Level::info;
};

/// As daemons do; whoever wants to know what came of it uses `pmctl daemon reread`.
asio::awaitable<void> reread_on_sighup(postmultid::runtime::Shell& shell) {
  asio::signal_set hangup(co_await asio::this_coro::executor, SIGHUP);
  for (;;) {
    co_await hangup.async_wait(asio::use_awaitable);
    if (auto done = co_await shell.reread_all(); !done) log(Level::error, done.error().detail);
  }
}

asio::awaitable<void> run(asio::io_context& loop, postmultid::runtime::Shell& shell,
                          postmultid::control::Server& server, int& exit_status) {
  // Ours from the first moment to the last: a signal must never find the default action, which would leave half of
  // the members started or stopped.
  asio::signal_set stop(loop, SIGTERM, SIGINT);
  if (auto opened = co_await shell.open(); !opened) {
    log(Level::error, "cannot start: " + opened.error().message);
    exit_status = 1;
    loop.stop();
    co_return;
  }
  server.serve();
  postmultid::host::notify_ready("supervising");

  asio::co_spawn(loop, reread_on_sighup(shell), postmultid::runtime::report_end);
  co_await stop.async_wait(asio::use_awaitable);
  bool observing = shell.status()->daemon.mode == postmultid::model::Mode::observe;
  log(Level::notice, observing ? "leaving what was only observed" : "stopping all members in reverse order");
  postmultid::host::notify_stopping();
  shell.shut_down([&loop] { loop.stop(); });
  for (;;) {
    co_await stop.async_wait(asio::use_awaitable);
    log(Level::notice, "still stopping; each member has its own limits");
  }
}

int serve(const Options& options) {
  postmultid::host::set_log_level(options.log_level);
  // What our children inherit: `master` and its friends set their own where it matters.
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);  // the terminal that we were started from may go

  // One for this host's Postfix, whatever socket it has: two would stop each other's masters.
  auto only_one = postmultid::host::take_lock(kHostLock);
  if (!only_one) {
    log(Level::error, "cannot start: " + only_one.error().message);
    return 1;
  }

  asio::io_context loop(1);
  asio::thread_pool pool(kThreads);
  std::string run_directory = std::filesystem::absolute(options.socket).parent_path().string();
  postmultid::runtime::Shell shell(loop, pool,
                                   {options.definition, std::move(run_directory), options.state_directory,
                                    options.pmctl, options.observe_until_takeover, options.log_level});
  postmultid::control::Server server(loop, shell, options.socket);
  if (auto listening = server.listen(); !listening) {
    log(Level::error, "cannot start: " + listening.error().message);
    return 1;
  }
  log(Level::notice, "postmultid " POSTMULTID_VERSION " listens on " + options.socket);
  int exit_status = 0;
  asio::co_spawn(loop, run(loop, shell, server, exit_status), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
  log(Level::notice, "postmultid ends");
  server.close();
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
