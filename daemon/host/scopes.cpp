#include "host/scopes.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "host/deadline.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"

namespace postmultid::host {

using std::chrono::milliseconds;

namespace {

constexpr char kSlice[] = "system-postfix.slice";
// That is to end its members in order before systemd ends them, when the host goes down.
constexpr char kOurUnit[] = "postmultid.service";
// systemd needs 3 ms. One that is busy starting the whole host is waited for; a start is not for ever.
constexpr milliseconds kSettleLimit{3000}, kSettleAgainLimit{250}, kEnforceLimit{3000};
// A scope that is just ending can neither be joined nor made.
constexpr milliseconds kAgain{5};

std::string name_of(const std::string& directory) { return std::filesystem::path(directory).filename().string(); }

/// Ours are told from everybody else's by their last two names, whoever of our daemons made them and where.
bool is_of(const Scope& scope, const Cgroup& cgroup) {
  std::filesystem::path path(cgroup.directory());
  return path.filename() == scope.unit && path.parent_path().filename() == kSlice;
}

/// The cgroup that systemd's units are below: its own is init.scope in that.
std::string root_of_systemd() {
  std::string own = cgroup_of(1).directory();
  return name_of(own) == "init.scope" ? std::filesystem::path(own).parent_path().string() : "";
}

std::string directory_of_slice(bool systemd) {
  std::string above = systemd ? root_of_systemd() : cgroup_of(::getpid()).directory();
  if (above.empty()) return "";
  return above + (systemd ? "/system.slice/" : "/") + kSlice;
}

struct Wanted {
  const char* key;
  const char* controller;
  const char* file;
  std::uint64_t value;
};

std::vector<std::string> not_in_force(const ScopeLimits& limits, const Cgroup& cgroup, bool own) {
  constexpr auto kNone = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t kUsualWeight = 100;
  std::vector<std::string> lacking;
  for (const Wanted& wanted : {Wanted{"memory_max", "memory", "memory.max", limits.memory_max.value_or(kNone)},
                               Wanted{"tasks_max", "pids", "pids.max", limits.tasks_max.value_or(kNone)},
                               Wanted{"cpu_weight", "cpu", "cpu.weight", limits.cpu_weight.value_or(kUsualWeight)}}) {
    bool unlimited = wanted.value == kNone || wanted.value == kUsualWeight;
    std::string not_it = std::string(wanted.key) + " is not in force: ";
    if (!own) {
      if (!unlimited) lacking.push_back(not_it + "it has no cgroup of its own");
      continue;
    }
    auto is = cgroup.number(wanted.file);
    // The kernel counts memory in pages.
    auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    bool same = is && (*is == wanted.value || (wanted.value != kNone && *is == wanted.value / page * page));
    if (!is && !unlimited)
      lacking.push_back(not_it + "its cgroup has no " + wanted.controller + " controller");
    else if (is && !same)
      lacking.push_back(not_it + "its cgroup's " + wanted.file + " is another");
  }
  return lacking;
}

}  // namespace

Scopes::Scopes(Units& units, asio::thread_pool& pool)
    : units_(units), pool_(pool), systemd_(Units::here()), parent_(directory_of_slice(systemd_)) {}

Cgroup Scopes::cgroup(const Scope& scope) const {
  if (auto seen = own_.find(scope.unit); seen != own_.end()) return Cgroup(seen->second);
  return parent_.empty() ? Cgroup() : Cgroup(parent_ + "/" + scope.unit);
}

asio::awaitable<void> Scopes::settle(Scope scope, pid_t pid) {
  // Whoever was waited for in vain before is not waited for again that long.
  milliseconds limit = trouble_.empty() ? kSettleLimit : kSettleAgainLimit;
  asio::awaitable<std::string> move = systemd_ ? by_systemd(scope, pid) : by_hand(scope, pid);
  auto moved = co_await within(limit, std::move(move));
  std::string trouble = moved ? *moved : "it could not be moved in time";
  co_await adopt(scope, pid);
  if (has_own(scope)) trouble.clear();
  // A container whose cgroups are read-only is as it is; of the rest somebody should hear.
  if (!trouble.empty() && trouble != trouble_)
    log(systemd_ ? Level::warning : Level::info,
        scope.unit + ": no cgroup of its own, so it shares postmultid's: " + trouble);
  trouble_ = std::move(trouble);
}

/// Empty, or why not.
asio::awaitable<std::string> Scopes::by_systemd(Scope scope, pid_t pid) {
  TransientScope made{scope.unit, scope.description, kSlice, kOurUnit, scope.limits};
  // What a crash leaves in the middle of a session lives in the scope still: its successor joins it. One whose last process
  // has just ended can for a moment neither be joined nor made.
  for (bool join = cgroup(scope).populated();; join = !join) {
    std::expected<void, BusError> done;
    if (join)
      done = co_await units_.join(scope.unit, pid, kSettleLimit);
    else
      done = co_await units_.start_scope(made, pid, kSettleLimit);
    if (done) {
      answered_ = true;
      co_return "";
    }
    bool in_between = join || done.error().name == "org.freedesktop.systemd1.UnitExists";
    bool restarted = answered_ && done.error().gone();  // a bus, or a systemd, that is started anew is back soon
    if (!in_between && !restarted) co_return done.error().message;
    co_await pause(kAgain);
  }
}

asio::awaitable<std::string> Scopes::by_hand(Scope scope, pid_t pid) {
  Cgroup own = cgroup(scope);
  if (own.directory().empty()) co_return "there is no cgroup2 here";
  auto move = [own, pid]() -> std::string {
    auto made = own.make();
    if (made) made = own.take(pid);
    return made ? "" : made.error().message;
  };
  co_return co_await offload(pool_, std::move(move));
}

asio::awaitable<void> Scopes::adopt(Scope scope, pid_t pid) {
  auto look = [pid] { return cgroup_of(pid); };
  Cgroup lives_in = co_await offload(pool_, std::move(look));
  if (lives_in.directory().empty()) co_return;  // it has ended, or nothing can be seen here
  if (is_of(scope, lives_in))
    own_[scope.unit] = lives_in.directory();
  else
    own_.erase(scope.unit);
}

asio::awaitable<std::vector<std::string>> Scopes::enforce(Scope scope, pid_t pid) {
  co_await adopt(scope, pid);
  auto look = [limits = scope.limits, own = cgroup(scope), has_own = has_own(scope)] {
    return not_in_force(limits, own, has_own);
  };
  // Told in any case: systemd keeps what it was told before, whether the kernel has such a controller or not.
  if (systemd_ && has_own(scope)) {
    auto told = co_await units_.limit(scope.unit, scope.limits, kEnforceLimit);
    if (!told) log(Level::info, scope.unit + ": its limits could not be set: " + told.error().message);
  }
  co_return co_await offload(pool_, look);
}

asio::awaitable<void> Scopes::leave(Scope scope) {
  Cgroup own = cgroup(scope);
  own_.erase(scope.unit);
  if (systemd_ || own.directory().empty()) co_return;
  auto remove = [own] {
    own.remove();
    return true;
  };
  co_await offload(pool_, std::move(remove));
}

std::string escaped_for_unit(std::string_view text, bool dashes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '_' ||
                 (c == '.' && !name.empty()) || (c == '-' && dashes);
    if (c == '/')
      name += '-';
    else if (plain)
      name += c;
    else
      name += {'\\', 'x', kHex[static_cast<unsigned char>(c) >> 4], kHex[static_cast<unsigned char>(c) & 15]};
  }
  return name;
}

}  // namespace postmultid::host
