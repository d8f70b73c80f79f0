// exec: postmulti's -x. A command for each instance, run by us with our own rights, in the environment that postmulti gives.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "commands/commands.hpp"
#include "host/fd.hpp"
#include "host/process.hpp"
#include "postfix_list.hpp"

namespace postmultid::ctl {

using postfix::Instance;
using postfix::Listed;

namespace {

constexpr std::size_t kLongestLine = 64 * 1024;

/// One of its outputs, passed on line by line.
class Output {
 public:
  Output() = default;
  Output(host::Fd pipe, std::FILE* to, std::string prefix)
      : pipe_(std::move(pipe)), to_(to), prefix_(std::move(prefix)) {
    ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  }

  int fd() const { return pipe_ ? pipe_.get() : -1; }

  /// Passes on what there is.
  void pass_on() {
    char buffer[16 * 1024];
    ssize_t got = 0;
    while (pipe_ && (got = ::read(pipe_.get(), buffer, sizeof(buffer))) > 0) {
      rest_.append(buffer, static_cast<std::size_t>(got));
      for (std::size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1)) print(end);
      if (rest_.size() > kLongestLine) flush();
    }
    if (got == 0) close();
  }

  void close() {
    flush();
    pipe_ = host::Fd();
  }

 private:
  void print(std::size_t length) { fmt::print(to_, "{}{}\n", prefix_, rest_.substr(0, length)); }
  void flush() {
    if (!rest_.empty()) print(rest_.size());
    rest_.clear();
    std::fflush(to_);
  }

  host::Fd pipe_;
  std::FILE* to_ = nullptr;
  std::string prefix_, rest_;
};

struct Run {
  std::string id;
  host::Process process;
  Output out, errors;
};

std::map<std::string, std::string> environment_of(const Instance& instance, const Instance& primary) {
  const char* path = std::getenv("PATH");
  return {{"MAIL_CONFIG", instance.config_directory},
          {"command_directory", primary.command_directory},
          {"daemon_directory", primary.daemon_directory},
          {"config_directory", instance.config_directory},
          {"queue_directory", instance.queue_directory},
          {"data_directory", instance.data_directory},
          {"multi_instance_name", instance.name},
          {"multi_instance_group", instance.group},
          {"multi_instance_enable", instance.enabled ? "yes" : "no"},
          {"PATH", primary.command_directory + (path ? std::string(":") + path : "")}};
}

[[noreturn]] void become(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment) {
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  std::string why = "pmctl: " + words[0] + ": " + std::generic_category().message(errno) + "\n";
  (void)!::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(127);
}

struct Pipe {
  host::Fd read, write;

  static Result<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
      return std::unexpected(Trouble{Exit::failed, model::system_error("make a pipe").message});
    return Pipe{host::Fd(ends[0]), host::Fd(ends[1])};
  }
};

/// With a prefix its outputs come through us, and it reads nothing; without it has ours.
Result<Run> begin(const Options& options, const Instance& instance, const Instance& primary,
                  const std::string& prefix) {
  Pipe out, errors;
  if (!prefix.empty())
    for (Pipe* each : {&out, &errors}) {
      auto made = Pipe::make();
      if (!made) return std::unexpected(made.error());
      *each = std::move(*made);
    }
  auto environment = environment_of(instance, primary);
  std::fflush(nullptr);
  pid_t pid = ::fork();
  if (pid < 0) return std::unexpected(Trouble{Exit::failed, model::system_error("start a process").message});
  if (pid == 0) {
    if (!prefix.empty()) {
      ::dup2(out.write.get(), STDOUT_FILENO);
      ::dup2(errors.write.get(), STDERR_FILENO);
    }
    if (options.parallel > 1) ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    become(options.words, environment);
  }
  auto process = host::Process::open(pid);
  if (!process) return std::unexpected(Trouble{Exit::failed, process.error().message});
  Run run{instance.id.text, std::move(*process), {}, {}};
  if (!prefix.empty()) {
    run.out = Output(std::move(out.read), stdout, prefix);
    run.errors = Output(std::move(errors.read), stderr, prefix);
  }
  return run;
}

/// Passes on what comes, until one has ended: at once when it has, whoever it has left with its outputs. Returns that one.
Run await_one(std::vector<Run>& runs) {
  for (;;) {
    std::vector<pollfd> wanted;
    for (const Run& run : runs)
      for (int fd : {run.process.pidfd(), run.out.fd(), run.errors.fd()}) wanted.push_back({fd, POLLIN, 0});
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      bool ended = wanted[3 * i].revents != 0;
      if (ended || wanted[3 * i + 1].revents) runs[i].out.pass_on();
      if (ended || wanted[3 * i + 2].revents) runs[i].errors.pass_on();
      if (!ended) continue;
      runs[i].out.close();
      runs[i].errors.close();
      Run one = std::move(runs[i]);
      runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(i));
      return one;
    }
  }
}

/// Whether it succeeded; says how it ended otherwise.
bool succeeded(const Run& run) {
  int status = 0;
  ::waitpid(run.process.pid(), &status, 0);
  if (status == 0) return true;
  (void)complain({Exit::failed, run.id + (WIFEXITED(status) ? fmt::format(": exit status {}", WEXITSTATUS(status))
                                                            : fmt::format(": killed by signal {}", WTERMSIG(status)))});
  return false;
}

}  // namespace

Exit exec(const Options& options) {
  if (options.words.empty()) return complain({Exit::usage, "say what to run behind --: pmctl exec out -- mailq"});
  auto list = read_postfix_list(options.selection, options.reverse);
  if (!list) return complain(list.error());
  if (list->chosen.empty()) return complain({Exit::no_such_instance, "no instance is meant"});
  std::size_t width = 0;
  for (const Listed& each : list->chosen) width = std::max(width, each.instance.id.text.size());
  bool prefixed = options.prefix || options.parallel > 1, all_well = true;
  std::vector<Run> runs;
  for (const Listed& each : list->chosen) {
    const Instance& instance = each.instance;
    if (instance.queue_directory.empty()) {
      (void)complain({Exit::failed, instance.id.text + ": " + each.broken->message});
      all_well = false;
      continue;
    }
    if (runs.size() >= options.parallel) all_well &= succeeded(await_one(runs));
    auto run =
        begin(options, instance, list->primary, prefixed ? fmt::format("{:<{}}  ", instance.id.text, width) : "");
    if (!run) return complain(run.error());
    runs.push_back(std::move(*run));
  }
  while (!runs.empty()) all_well &= succeeded(await_one(runs));
  return all_well ? Exit::ok : Exit::failed;
}

Exit list_as_postmulti(const Options& options) {
  auto list = read_postfix_list(options.selection, options.reverse);
  if (!list) return complain(list.error());
  auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  for (const Listed& each : list->chosen) {
    const Instance& one = each.instance;
    fmt::print("{:<15} {:<15} {:<9} {}\n", or_dash(one.name), or_dash(one.group),
               !each.enabled_known ? "?"
               : one.enabled       ? "y"
                                   : "n",
               one.config_directory);
  }
  return Exit::ok;
}

}  // namespace postmultid::ctl
