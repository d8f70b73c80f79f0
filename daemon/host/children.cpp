#include "host/children.hpp"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "host/launcher.hpp"
#include "host/proc.hpp"
#include "host/watch.hpp"

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

constexpr std::size_t kDeadKept = 1024;
constexpr std::size_t kOutputKept = 65536;

struct Channel {
  Fd ours, theirs;
};

/// Where the child writes: a terminal if wanted and to be had, else a pipe.
Result<Channel> open_channel(bool terminal) {
  int ours = -1, theirs = -1;
  if (terminal && ::openpty(&ours, &theirs, nullptr, nullptr, nullptr) == 0) {
    ::fcntl(ours, F_SETFD, FD_CLOEXEC);
    ::fcntl(theirs, F_SETFD, FD_CLOEXEC);
  } else {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(system_error("pipe"));
    ours = ends[0];
    theirs = ends[1];
  }
  ::fcntl(ours, F_SETFL, O_NONBLOCK);
  return Channel{Fd(ours), Fd(theirs)};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (std::string& string : strings) list.push_back(string.data());
  list.push_back(nullptr);
  return list;
}

/// posix_spawn with a clean slate: a session of its own, no blocked and no ignored signal, no inherited descriptor.
/// `master` passes its signal mask on to all its daemons and could not be stopped with SIGTERM blocked
/// (docs/postfix-facts.md, "Signals").
Result<pid_t> spawn(Command& command, int output, int errors) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&files);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, 1);
  ::posix_spawn_file_actions_adddup2(&files, errors, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&files, 3);
  ::posix_spawn_file_actions_addchdir_np(&files, command.directory.c_str());

  auto argv = pointers(command.argv), environment = pointers(command.environment);
  pid_t pid = 0;
  int error = ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (error) return std::unexpected(system_error("execute " + command.argv[0], error));
  return pid;
}

/// A child of ours that is not reaped yet, so its pid and its process group's number are still its own. Its children
/// may have left the group (the daemon that `master -w` forks does).
void kill_family(pid_t pid) {
  for (pid_t child : children_of(pid))
    if (auto process = Process::open(child); process && process_stat(child).value_or(ProcessStat{}).parent == pid)
      (void)process->signal(SIGKILL);
  ::kill(-pid, SIGKILL);
}

void append_limited(std::string& text, std::string_view more) {
  text += more;
  if (text.size() > kOutputKept) text.erase(0, text.size() - kOutputKept);
}

/// Reads what is there without waiting; false at the end.
bool drain(int fd, std::string& output) {
  std::array<char, 4096> buffer;
  for (;;) {
    ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0)
      append_limited(output, {buffer.data(), static_cast<std::size_t>(got)});
    else
      return got < 0 && errno == EAGAIN;  // a terminal ends with EIO, a pipe with 0
  }
}

/// What a command writes, gathered beside the wait for its end: a daemon that it leaves behind may keep the channel
/// open, so the end of the output is not the end of the command.
struct Output {
  asio::posix::stream_descriptor channel;
  std::string text;
};

void finish(Output& output) {
  drain(output.channel.native_handle(), output.text);
  output.channel.close();
}

asio::awaitable<void> collect(std::shared_ptr<Output> output) {
  boost::system::error_code error;
  do {
    co_await output->channel.async_wait(asio::posix::stream_descriptor::wait_read,
                                        asio::redirect_error(asio::use_awaitable, error));
  } while (!error && drain(output->channel.native_handle(), output->text));
}

}  // namespace

Children::Children(asio::io_context& loop) : child_signals_(loop, SIGCHLD) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  asio::co_spawn(loop, reap_for_ever(), asio::detached);
}

asio::awaitable<void> Children::reap_for_ever() {
  for (;;) {
    reap();
    boost::system::error_code error;
    co_await child_signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
  }
}

void Children::reap() {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    dead_.push_back({pid, wait_status});
    if (dead_.size() > kDeadKept) dead_.pop_front();
  }
}

std::optional<int> Children::take_wait_status(pid_t pid) {
  reap();
  // From the back: the same number may stand there twice, and the youngest is meant.
  auto found = std::find_if(dead_.rbegin(), dead_.rend(), [&](const Dead& dead) { return dead.pid == pid; });
  if (found == dead_.rend()) return std::nullopt;
  int wait_status = found->wait_status;
  dead_.erase(std::next(found).base());
  return wait_status;
}

namespace {

/// What was not let go has executed nothing, and ends by itself.
asio::awaitable<Result<Process>> begin_settled(Command command, int output, int errors) {
  auto launcher =
      Launcher::prepare(std::move(command.argv), std::move(command.environment), command.directory, output, errors);
  if (!launcher) co_return std::unexpected(launcher.error());
  auto process = Process::open(launcher->pid());
  if (!process) co_return process;
  co_await command.settle(launcher->pid());
  Result<void> executed;
  try {
    executed = co_await launcher->go();
  } catch (const boost::system::system_error&) {
    kill_family(launcher->pid());
    throw;
  }
  if (!executed) co_return std::unexpected(executed.error());
  co_return process;
}

asio::awaitable<Result<Process>> begin(Command command, int output, int errors) {
  if (command.settle) co_return co_await begin_settled(std::move(command), output, errors);
  auto pid = spawn(command, output, errors);
  if (!pid) co_return std::unexpected(pid.error());
  auto process = Process::open(*pid);
  if (!process) kill_family(*pid);
  co_return process;
}

}  // namespace

asio::awaitable<Result<Process>> Children::start(Command command, int output) {
  co_return co_await begin(std::move(command), output, output);
}

asio::awaitable<Result<Ended>> Children::run(Command command) {
  auto channel = open_channel(command.terminal);
  if (!channel) co_return std::unexpected(channel.error());
  auto second = open_channel(false);
  if (!second) co_return std::unexpected(second.error());
  int errors_to = command.terminal ? channel->theirs.get() : second->theirs.get();
  auto process = co_await begin(std::move(command), channel->theirs.get(), errors_to);
  channel->theirs = Fd();
  second->theirs = Fd();
  if (!process) co_return std::unexpected(process.error());

  auto executor = co_await asio::this_coro::executor;
  auto output = std::make_shared<Output>(asio::posix::stream_descriptor(executor, channel->ours.release()));
  auto errors = std::make_shared<Output>(asio::posix::stream_descriptor(executor, second->ours.release()));
  asio::co_spawn(executor, collect(output), asio::detached);
  asio::co_spawn(executor, collect(errors), asio::detached);
  try {
    co_await ended(*process);
  } catch (const boost::system::system_error&) {
    kill_family(process->pid());
    output->channel.close();
    errors->channel.close();
    throw;
  }
  finish(*output);
  finish(*errors);
  co_return Ended{take_wait_status(process->pid()).value_or(-1), std::move(output->text), std::move(errors->text)};
}

}  // namespace postmultid::host
