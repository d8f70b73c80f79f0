#include "host/launcher.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

struct Pipe {
  Fd read, write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(system_error("pipe"));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (std::string& string : strings) list.push_back(string.data());
  list.push_back(nullptr);
  return list;
}

/// All that the child needs, made before the fork: in it, the other threads' locks stay locked for ever, so nothing may be
/// called but what signal-safety(7) lists.
struct Plan {
  char** argv;
  char** environment;
  const char* directory;
  int output, errors;
  int word, fault;
};

void close_all_but(int one, int other) {
  auto close = [](int first, int last) {
    if (first <= last) ::syscall(SYS_close_range, first, last, 0);  // Linux 5.9; all of ours close on exec besides
  };
  close(3, std::min(one, other) - 1);
  close(std::min(one, other) + 1, std::max(one, other) - 1);
  ::syscall(SYS_close_range, std::max(one, other) + 1, ~0U, 0);
}

[[noreturn]] void fail(const Plan& plan) {
  int number = errno;
  (void)!::write(plan.fault, &number, sizeof(number));
  ::_exit(127);
}

/// What spares us from being killed for want of memory is for us alone: our unit's OOMScoreAdjust= would go on to every process of
/// mail.
void be_no_more_precious_than_others() {
  int score = ::open("/proc/self/oom_score_adj", O_RDWR);
  char sign = 0;
  if (score >= 0 && ::read(score, &sign, 1) == 1 && sign == '-') (void)!::pwrite(score, "0", 1, 0);
}

/// The child's part. Called with all signals blocked: until the dispositions are the default ones, a signal would run our
/// handlers, which write to pipes that we share.
[[noreturn]] void wait_and_execute(const Plan& plan) {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  be_no_more_precious_than_others();
  int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(plan.output, 1) < 0 || ::dup2(plan.errors, 2) < 0) fail(plan);
  // Also the other end of `word`, and that of whoever else waits: or the end of this process would not be seen in it.
  close_all_but(plan.word, plan.fault);
  if (::chdir(plan.directory) < 0) fail(plan);
  char word = 0;
  ssize_t got = 0;
  do got = ::read(plan.word, &word, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(127);
  ::execve(plan.argv[0], plan.argv, plan.environment);
  fail(plan);
}

}  // namespace

Result<Launcher> Launcher::prepare(std::vector<std::string> argv, std::vector<std::string> environment,
                                   const std::string& directory, int output, int errors) {
  auto word = open_pipe();
  if (!word) return std::unexpected(word.error());
  auto fault = open_pipe();
  if (!fault) return std::unexpected(fault.error());
  auto argument_pointers = pointers(argv), environment_pointers = pointers(environment);
  Plan plan{argument_pointers.data(), environment_pointers.data(), directory.c_str(), output, errors,
            word->read.get(),         fault->write.get()};
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) wait_and_execute(plan);
  int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return std::unexpected(system_error("fork", error));
  return Launcher(argv[0], pid, std::move(word->write), std::move(fault->read));
}

asio::awaitable<Result<void>> Launcher::go() {
  // SIGPIPE is ignored here: one that is gone already is told by its own end.
  (void)!::write(word_.get(), "!", 1);
  asio::posix::stream_descriptor fault(co_await asio::this_coro::executor, fault_.release());
  int number = 0;
  boost::system::error_code end;
  // As little as this is written whole, or not at all.
  co_await fault.async_read_some(asio::buffer(&number, sizeof(number)), asio::redirect_error(asio::use_awaitable, end));
  if (number) co_return std::unexpected(system_error("execute " + program_, number));
  co_return Result<void>{};
}

}  // namespace postmultid::host
