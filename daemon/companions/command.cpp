#include "companions/command.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <filesystem>
#include <memory>

#include "companions/record.hpp"
#include "host/deadline.hpp"
#include "host/journal.hpp"
#include "host/offload.hpp"
#include "host/own_file.hpp"
#include "host/proc.hpp"
#include "host/sockets.hpp"
#include "host/watch.hpp"

namespace postmultid::companions {

using model::FailureClass;
using model::Fault;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kExecLimit{2};
// What a dead one leaves has nothing to bring to an end for us: it gets a moment, then it is in the way.
constexpr std::chrono::seconds kSurvivorsGrace{2};
constexpr std::chrono::seconds kEndLimit{1};  // between two looks at what a sweep has left
// Runs a program as another user without a line of ours between fork and exec; util-linux, on every Debian.
constexpr char kSetpriv[] = "/usr/bin/setpriv";

struct Account {
  std::string name, home;
  gid_t group = 0;
};

std::optional<Account> account(const std::string& user) {
  std::array<char, 16384> buffer;
  passwd entry{}, *found = nullptr;
  if (::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return Account{entry.pw_name, entry.pw_dir, entry.pw_gid};
}

bool group_exists(const std::string& name) {
  std::array<char, 16384> buffer;
  ::group entry{}, *found = nullptr;
  return ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found;
}

std::unexpected<Fault> cannot(const Command& command, const std::string& why) {
  return std::unexpected(Fault{FailureClass::config, "companion-invalid", command.place + ": " + why, ""});
}

std::vector<std::string> argv_of(const Command& command) {
  if (command.user.empty() && command.group.empty()) return command.argv;
  std::vector<std::string> argv{kSetpriv};
  if (command.user.empty())
    argv.insert(argv.end(), {"--clear-groups", "--regid=" + command.group});
  else
    argv.insert(argv.end(),
                {"--reuid=" + command.user, "--init-groups",
                 "--regid=" + (command.group.empty() ? std::to_string(account(command.user).value_or(Account{}).group)
                                                     : command.group)});
  argv.push_back("--");
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  return argv;
}

std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> all{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                                         {"LANG", "C.UTF-8"}};
  if (const char* zone = std::getenv("TZ")) all["TZ"] = zone;
  auto of = account(command.user.empty() ? "root" : command.user).value_or(Account{"root", "/root", 0});
  all["USER"] = all["LOGNAME"] = of.name;
  all["HOME"] = of.home;
  for (const auto& [name, value] : command.environment) all[name] = value;
  std::vector<std::string> list;
  for (const auto& [name, value] : all) list.push_back(name + "=" + value);
  return list;
}

/// Somebody who listens where the companion is to answer, for a message; empty if nobody does.
std::string taken(const Endpoint& endpoint) {
  auto sockets = host::listening_sockets();
  if (!sockets || !endpoint.path.empty()) return "";
  for (const host::ListeningSocket& socket : *sockets)
    if (socket.port == endpoint.port && (socket.address == endpoint.host || socket.address == "*"))
      return socket.endpoint() + " is in use by " + host::holder_of(socket).text();
  return "";
}

/// The processes of the companion's session, if it is known. Its number belongs to it as long as one of them lives; a leader who started
/// at another time is somebody else, who got the number after all had ended.
std::vector<host::Process> session_of(const Command& command) {
  auto record = read_record(command.record);
  if (!record) return {};
  auto leader = host::process_stat(record->pid);
  if (leader && leader->start_ticks != record->start_ticks) return {};
  std::vector<host::Process> members;
  for (pid_t pid : host::all_processes()) {
    auto process = host::Process::open(pid);
    if (!process) continue;
    auto stat = host::process_stat(pid);
    if (stat && stat->session == record->pid && stat->state != 'Z') members.push_back(std::move(*process));
  }
  return members;
}

struct Output {
  host::Fd fd;
};

/// The journal if we write there ourselves; else where we write.
Output output_of(const Command& command) {
  host::Fd journal = host::journal_stream(command.name);
  return {journal ? std::move(journal) : host::Fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3))};
}

}  // namespace

std::optional<Running> find(const Command& command) {
  auto record = read_record(command.record);
  if (!record) return std::nullopt;
  auto process = host::Process::open(record->pid);
  if (!process) return std::nullopt;
  auto stat = host::process_stat(record->pid);
  if (!stat || stat->start_ticks != record->start_ticks || !process->alive()) return std::nullopt;
  return Running{std::move(*process), stat->start_ticks, host::executable(record->pid)};
}

Done check(const Command& command) {
  if (!command.user.empty() && !account(command.user)) return cannot(command, "there is no user " + command.user);
  if (!command.group.empty() && !group_exists(command.group))
    return cannot(command, "there is no group " + command.group);
  if ((!command.user.empty() || !command.group.empty()) && ::access(kSetpriv, X_OK) != 0)
    return cannot(command, std::string("there is no ") + kSetpriv + " to change user or group with");
  std::error_code error;
  const std::string& program = command.argv.front();
  if (!std::filesystem::is_regular_file(program, error) || ::access(program.c_str(), X_OK) != 0)
    return cannot(command, program + " is not there, or is no program");
  if (!std::filesystem::is_directory(command.directory, error))
    return cannot(command, command.directory + " is no directory");
  return {};
}

asio::awaitable<Done> launch(host::Children& children, asio::thread_pool& pool, Command command, host::Cgroup own,
                             host::Settle settle) {
  // What an earlier one has left, of this daemon's life or of the last: it would be in the way.
  co_await clear(pool, command, own);
  struct Prepared {
    std::string in_the_way;
    host::Command command;
  };
  auto prepare = [command] {
    auto prepared = std::make_shared<Prepared>();
    if (command.ready) prepared->in_the_way = taken(*command.ready);
    prepared->command = {argv_of(command), environment_of(command), false, command.directory, {}};
    return prepared;
  };
  auto prepared = co_await host::offload(pool, std::move(prepare));
  if (prepared->in_the_way.empty() && command.ready && !command.ready->path.empty()) {
    model::Check heard = co_await ask(*command.ready);
    if (heard.ok == true) prepared->in_the_way = command.ready->path + " is answered by somebody else";
  }
  if (!prepared->in_the_way.empty())
    co_return std::unexpected(Fault{FailureClass::environment, "port-in-use", prepared->in_the_way, "ss -lntp"});
  Output output = output_of(command);
  prepared->command.settle = std::move(settle);
  auto started = co_await children.start(std::move(prepared->command), output.fd.get());
  if (!started)
    co_return std::unexpected(
        Fault{FailureClass::config, "not-executed", command.place + ": " + started.error().message, ""});
  auto stat = host::process_stat(started->pid());
  auto written = write_record(command.record, started->pid(), stat ? stat->start_ticks : 0);
  if (!written) {
    // Without the record nobody could stop it, nor find it again.
    (void)started->signal(SIGKILL);
    co_return std::unexpected(Fault{FailureClass::environment, "not-recorded", written.error().message, ""});
  }
  co_return Done{};
}

asio::awaitable<std::optional<Running>> await_program(asio::thread_pool& pool, Command command) {
  auto give_up = steady_clock::now() + kExecLimit;
  for (;;) {
    auto look_for_it = [command] { return std::make_shared<std::optional<Running>>(find(command)); };
    auto running = co_await host::offload(pool, std::move(look_for_it));
    bool changing_user = *running && (*running)->executable == kSetpriv && command.argv.front() != kSetpriv;
    if (!changing_user || steady_clock::now() > give_up) co_return std::move(*running);
    co_await host::pause(milliseconds(2));
  }
}

asio::awaitable<model::Readiness> look(Command command, pid_t pid) {
  model::Readiness readiness;
  readiness.checks.push_back({"process", true, "pid " + std::to_string(pid)});
  if (!command.ready) co_return readiness;
  model::Check heard = co_await ask(*command.ready);
  if (heard.ok == true) readiness.listeners.push_back(command.ready->listener());
  readiness.checks.push_back(std::move(heard));
  co_return readiness;
}

asio::awaitable<std::expected<model::Readiness, Fault>> await_ready(Command command, pid_t pid, milliseconds limit) {
  if (command.ready) {
    model::Check heard = co_await await_answer(*command.ready, limit);
    if (heard.ok != true)
      co_return std::unexpected(Fault{FailureClass::crash, "not-ready", "does not answer at " + heard.detail, ""});
  }
  co_return co_await look(command, pid);
}

std::vector<std::string> records(const std::string& directory) {
  std::vector<std::string> names;
  if (!host::open_own_directory(directory)) return names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (std::string name = entry->path().filename(); !name.starts_with('.')) names.push_back(name);
  return names;
}

namespace {

using Processes = std::shared_ptr<std::vector<host::Process>>;

asio::awaitable<bool> all_ended(Processes processes) {
  for (const host::Process& process : *processes) co_await host::ended(process);
  co_return true;
}

}  // namespace

asio::awaitable<void> sweep(asio::thread_pool& pool, Command command, host::Cgroup own, bool force) {
  for (;;) {
    auto look_for_them = [command, own] {
      auto found = std::make_shared<std::vector<host::Process>>(session_of(command));
      for (host::Process& process : own.processes())  // some twice: they are only ended
        found->push_back(std::move(process));
      return found;
    };
    Processes left = co_await host::offload(pool, std::move(look_for_them));
    auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
    if (left->empty()) {
      // The number may be given to another session from now on.
      ::unlink(command.record.c_str());
      co_return;
    }
    for (const host::Process& process : *left) (void)process.signal(force ? SIGKILL : SIGTERM);
    co_await host::within(kEndLimit, all_ended(left));
  }
}

namespace {

asio::awaitable<bool> swept(asio::thread_pool& pool, Command command, host::Cgroup own, bool force) {
  co_await sweep(pool, std::move(command), std::move(own), force);
  co_return true;
}

}  // namespace

asio::awaitable<void> clear(asio::thread_pool& pool, Command command, host::Cgroup own) {
  auto gone = co_await host::within(kSurvivorsGrace, swept(pool, command, own, false));
  if (!gone) co_await host::within(kSurvivorsGrace, swept(pool, command, own, true));
}

std::size_t processes(const Command& command) { return session_of(command).size(); }

}  // namespace postmultid::companions
