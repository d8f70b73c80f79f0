#include "postfix/leftovers.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/watch.hpp"
#include "postfix/identity.hpp"

namespace postmultid::postfix {

namespace {

// From fork to exec takes a child of master microseconds; a tenth of a second is for a busy host.
constexpr std::chrono::seconds kVoluntaryEnd{3}, kForcedEnd{1}, kTellEvery{1};
constexpr std::chrono::milliseconds kLockWait{20};
constexpr int kLockLooks = 50, kMostLevels = 64;
constexpr std::chrono::milliseconds kLockPause{2};

template <typename T>
T option(int socket, int name) {
  T value{};
  socklen_t size = sizeof(value);
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : T{};
}

bool is_tcp_listener(int socket) {
  int domain = option<int>(socket, SO_DOMAIN);
  return (domain == AF_INET || domain == AF_INET6) && option<int>(socket, SO_ACCEPTCONN) == 1;
}

/// False if the process may not be looked into. Sockets in `done` were dealt with in another process: they are
/// shared, so one shutdown is enough.
bool shut_listeners(const host::Process& process, std::set<std::uint64_t>& done) {
  for (const host::OpenFile& file : host::open_files(process.pid())) {
    auto inode = host::socket_inode(file.target);
    if (!inode || done.contains(*inode)) continue;
    auto socket = process.take_fd(file.number);
    if (!socket) {
      if (socket.error().number == EPERM) return false;
      continue;  // closed meanwhile, or the process has ended
    }
    done.insert(*inode);
    if (is_tcp_listener(socket->get())) ::shutdown(socket->get(), SHUT_RDWR);
  }
  return true;
}

/// The commands among the descendants of these.
std::vector<host::Process> commands_below(const Instance& instance, const std::vector<host::Process>& processes) {
  std::vector<host::Process> found;
  std::map<pid_t, const host::Process*> roots;
  for (const host::Process& process : processes) roots[process.pid()] = &process;
  std::string daemons = real_daemon_directory(instance);
  auto parents = host::parents();
  for (const auto& [pid, parent] : parents) {
    if (roots.contains(pid)) continue;
    auto above = parents.find(parent);
    // What was read while others came and went may go round.
    for (int level = 0; level < kMostLevels && above != parents.end() && !roots.contains(above->first); ++level)
      above = parents.find(above->second);
    if (above == parents.end() || !roots.contains(above->first)) continue;
    auto process = host::Process::open(pid);
    if (!process || std::filesystem::path(host::executable(pid)).parent_path() == daemons) continue;
    // Its ancestor lives still, so the number was its descendant's all the time.
    if (roots[above->first]->alive() && process->alive()) found.push_back(std::move(*process));
  }
  return found;
}

/// What is in the cgroup and not among these.
std::vector<host::Process> others_in(const host::Cgroup& own, const std::vector<host::Process>& processes) {
  std::vector<host::Process> others = own.processes();
  std::erase_if(others, [&](const host::Process& other) {
    return std::ranges::any_of(processes, [&](const host::Process& known) { return known.pid() == other.pid(); });
  });
  return others;
}

void append(std::vector<host::Process>& all, std::vector<host::Process> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

bool is_a_master(const host::Process& process) {
  return std::filesystem::path(host::executable(process.pid())).filename() == "master";
}

/// Asked upwards: the kernel's list of children leaves some out while others end, and may not be there (proc(5)). True
/// where one on the way up has ended just now.
bool may_descend_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) {
    auto stat = host::process_stat(pid);
    if (!stat) return true;
    pid = stat->parent;
  }
  return pid == ancestor;
}

struct Left {
  std::vector<host::Process> processes;
  std::vector<host::Process> commands;  // theirs, and whatever else is in the cgroup
  std::vector<bool> leads_session;      // left master's process group on purpose; see sweep()
  bool lock_free = false, cgroup_empty = false;
};

using Waited = std::vector<const host::Process*>;

/// The caller holds what `others` point to.
asio::awaitable<bool> all_ended(std::shared_ptr<Left> left, Waited others = {}) {
  for (const host::Process& process : left->processes) co_await host::ended(process);
  for (const host::Process* process : others) co_await host::ended(*process);
  co_return true;
}

Waited living(const std::vector<host::Process>& processes) {
  Waited alive;
  for (const host::Process& process : processes)
    if (process.alive()) alive.push_back(&process);
  return alive;
}

/// "2 smtpd, 1 smtp, the oldest for 75 s"
std::string described(const std::vector<host::Process>& processes) {
  std::map<std::string, int> programs;
  auto oldest = std::chrono::system_clock::now();
  for (const host::Process& process : processes) {
    ++programs[std::filesystem::path(host::executable(process.pid())).filename()];
    if (auto stat = host::process_stat(process.pid()))
      oldest = std::min(oldest, host::started_at(stat->start_ticks).value_or(oldest));
  }
  std::string text;
  for (const auto& [program, count] : programs)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + program;
  auto age = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - oldest);
  return text + ", the oldest for " + std::to_string(age.count()) + " s";
}

}  // namespace

std::vector<host::Process> processes_of(const Instance& instance, pid_t session) {
  std::vector<host::Process> found;
  auto queue = host::file_id(instance.queue_directory);
  std::string daemons = real_daemon_directory(instance);
  if (!queue || daemons.empty()) return found;
  for (pid_t pid : host::all_processes()) {
    // Most processes are not of this session: one look is enough for them. The facts that count are read again below.
    if (session && host::process_stat(pid).value_or(host::ProcessStat{}).session != session) continue;
    auto process = host::Process::open(pid);
    if (!process) continue;
    auto stat = host::process_stat(pid);
    if (!stat || stat->state == 'Z' || (session && stat->session != session)) continue;
    if (std::filesystem::path(host::executable(pid)).parent_path() != daemons) continue;
    if (host::working_directory(pid) != queue) continue;
    if (process->alive()) found.push_back(std::move(*process));
  }
  return found;
}

asio::awaitable<host::Processes> commands_of(Tools& tools, Instance instance, pid_t master) {
  auto look = [instance, master]() -> host::Processes {
    std::vector<host::Process> parents;
    if (auto process = host::Process::open(master)) parents.push_back(std::move(*process));
    return std::make_shared<const std::vector<host::Process>>(commands_below(instance, parents));
  };
  co_return co_await host::offload(tools.pool(), std::move(look));
}

asio::awaitable<host::Processes> survivors_beside(Tools& tools, Instance instance, pid_t master, host::Cgroup own) {
  auto look = [instance, master, own]() -> host::Processes {
    // Somebody's try to start another master is no left-over.
    auto is_none = [&](const host::Process& process) {
      return may_descend_from(process.pid(), master) || is_a_master(process);
    };
    std::vector<host::Process> found = processes_of(instance);
    std::erase_if(found, is_none);
    append(found, commands_below(instance, found));
    // A command that has left its parents is not known to be of an earlier master's but by its age.
    auto born = host::process_stat(master).value_or(host::ProcessStat{}).start_ticks;
    std::vector<host::Process> others = others_in(own, found);
    std::erase_if(others, [&](const host::Process& other) {
      auto stat = host::process_stat(other.pid());
      return is_none(other) || !stat || stat->start_ticks >= born;
    });
    append(found, std::move(others));
    return std::make_shared<const std::vector<host::Process>>(std::move(found));
  };
  co_return co_await host::offload(tools.pool(), std::move(look));
}

namespace {

asio::awaitable<bool> await_free_lock(Tools& tools, Instance instance) {
  auto look = [instance] { return lock_is_free(instance); };
  bool free = co_await host::offload(tools.pool(), look);
  for (int i = 0; i < kLockLooks && !free; ++i) {
    co_await host::pause(kLockPause);
    free = co_await host::offload(tools.pool(), look);
  }
  co_return free;
}

}  // namespace

asio::awaitable<unsigned> clear_listeners(Tools& tools, Instance instance, pid_t dead_master) {
  // Not of whatever master while one lives.
  bool free = true;
  if (!dead_master) free = co_await await_free_lock(tools, instance);
  if (!free) co_return 0;
  auto clear = [instance, dead_master] {
    std::vector<host::Process> found = processes_of(instance, dead_master);
    if (!dead_master) {
      // Somebody may start one just now: its children are not among these yet if the lock is still free.
      std::erase_if(found, is_a_master);
      if (!lock_is_free(instance)) return 0u;
    }
    std::set<std::uint64_t> done;
    unsigned living = 0;
    for (const host::Process& process : found) {
      if (!shut_listeners(process, done)) (void)process.signal(SIGTERM);
      if (process.alive()) ++living;
    }
    return living;
  };
  unsigned living = co_await host::offload(tools.pool(), std::move(clear));
  co_await await_free_lock(tools, instance);
  co_return living;
}

asio::awaitable<void> drain(Tools& tools, Instance instance, pid_t dead_master, host::Cgroup own,
                            std::function<void(std::string)> tell) {
  co_await clear_listeners(tools, instance, dead_master);
  for (;;) {
    // Shared with the thread that fills it, as in sweep().
    auto left = std::make_shared<Left>();
    auto what = std::make_shared<std::string>();
    auto look = [instance, own, left, what] {
      left->processes = processes_of(instance);
      append(left->processes, others_in(own, left->processes));
      if (!left->processes.empty()) *what = described(left->processes);
      return true;
    };
    co_await host::offload(tools.pool(), std::move(look));
    if (left->processes.empty()) co_return;
    tell(*what);
    co_await host::within(kTellEvery, all_ended(left));
  }
}

asio::awaitable<void> sweep(Tools& tools, Instance instance, bool force, pid_t only_of_master, host::Processes commands,
                            host::Cgroup own) {
  auto known = std::make_shared<std::vector<host::Process>>();  // commands whose parent may be gone by now
  // postscreen, verify and proxymap lead sessions of their own so that no signal to the group can hit them while they
  // write a database; they end by themselves when master is gone. They get a moment before they get a signal.
  for (int round = 0;; ++round) {
    // Shared with the thread that fills it: a cancelled sweep leaves the thread to finish alone.
    auto left = std::make_shared<Left>();
    auto look = [instance, only_of_master, own, left] {
      left->processes = processes_of(instance, only_of_master);
      left->commands = commands_below(instance, left->processes);
      for (const host::Process& process : left->processes)
        left->leads_session.push_back(host::process_stat(process.pid()).value_or(host::ProcessStat{}).session ==
                                      process.pid());
      if (!only_of_master) append(left->commands, others_in(own, left->processes));
      left->cgroup_empty = only_of_master || !own.populated();
      left->lock_free = only_of_master || lock_is_free(instance);
      return true;
    };
    co_await host::offload(tools.pool(), std::move(look));
    auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return;  // what was seen may be long ago
    for (host::Process& command : left->commands) {
      bool is_known = std::ranges::any_of(living(*known), [&](const auto* k) { return k->pid() == command.pid(); });
      if (!is_known) known->push_back(std::move(command));
    }
    auto waited_for = living(*known);
    if (commands) std::ranges::copy(living(*commands), std::back_inserter(waited_for));
    bool none_left = left->processes.empty() && waited_for.empty();
    if (none_left && left->lock_free && left->cgroup_empty) co_return;
    if (none_left) co_await host::pause(kLockWait);
    for (std::size_t i = 0; i < left->processes.size(); ++i)
      if (force || round > 0 || !left->leads_session[i]) (void)left->processes[i].signal(force ? SIGKILL : SIGTERM);
    for (const host::Process* command : waited_for)
      if (force) (void)command->signal(round == 0 ? SIGTERM : SIGKILL);
    if (force && round > 0 && !only_of_master) (void)own.kill();  // whoever forks faster than we look
    co_await host::within(force ? kForcedEnd : kVoluntaryEnd, all_ended(left, waited_for));
  }
}

}  // namespace postmultid::postfix
