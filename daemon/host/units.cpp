#include "host/units.hpp"

#include <systemd/sd-daemon.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "host/watch.hpp"

namespace postmultid::host {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";

constexpr milliseconds kAnswerLimit{4000};
// For so long a systemd or a bus that is not there is asked again. (Together less than the core's limit for a look.)
constexpr milliseconds kPatience{4000}, kAskAgain{100};

using Read = std::function<int(sd_bus_message*)>;

Read text(std::string& value) {
  return [&value](sd_bus_message* message) {
    const char* read = nullptr;
    int result = ::sd_bus_message_read_basic(message, 's', &read);
    if (result > 0) value = read;
    return result;
  };
}

template <typename Wire, typename Number>
Read number(char type, Number& value) {
  return [type, &value](sd_bus_message* message) {
    Wire read{};
    int result = ::sd_bus_message_read_basic(message, type, &read);
    if (result > 0) value = static_cast<Number>(read);
    return result;
  };
}

struct Property {
  const char* name;
  const char* type;
  Read read;
};

/// What is asked of a unit, out of the hundreds that systemd tells.
std::array<Property, 12> properties(Unit& unit) {
  auto load_error = [&unit](sd_bus_message* message) {
    const char *name = nullptr, *words = nullptr;
    int result = ::sd_bus_message_read(message, "(ss)", &name, &words);
    if (result > 0) unit.load_error = words;
    return result;
  };
  auto job = [&unit](sd_bus_message* message) {
    std::uint32_t id = 0;
    const char* path = nullptr;
    int result = ::sd_bus_message_read(message, "(uo)", &id, &path);
    if (result > 0) unit.has_job = id != 0;
    return result;
  };
  auto conditions = [&unit](sd_bus_message* message) {
    int met = 0;
    int result = ::sd_bus_message_read_basic(message, 'b', &met);
    if (result > 0) unit.conditions_met = met != 0;
    return result;
  };
  auto since = [&unit](sd_bus_message* message) {
    std::uint64_t microseconds = 0;
    int result = ::sd_bus_message_read_basic(message, 't', &microseconds);
    if (result > 0) unit.active_since = std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
    return result;
  };
  return {{{"LoadState", "s", text(unit.load_state)},
           {"LoadError", "(ss)", load_error},
           {"ActiveState", "s", text(unit.active_state)},
           {"SubState", "s", text(unit.sub_state)},
           {"Result", "s", text(unit.result)},
           {"ConditionResult", "b", conditions},
           {"Job", "(uo)", job},
           {"MainPID", "u", number<std::uint32_t>('u', unit.main_pid)},
           {"ExecMainCode", "i", number<std::int32_t>('i', unit.exit_code)},
           {"ExecMainStatus", "i", number<std::int32_t>('i', unit.exit_status)},
           {"NRestarts", "u", number<std::uint32_t>('u', unit.restarts)},
           {"ActiveEnterTimestamp", "t", since}}};
}

/// The answer to GetAll. Negative: it cannot be understood.
int read_unit(sd_bus_message* message, Unit& unit) {
  auto known = properties(unit);
  int result = ::sd_bus_message_enter_container(message, 'a', "{sv}");
  while (result >= 0 && (result = ::sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
    const char *name = nullptr, *type = nullptr;
    result = ::sd_bus_message_read_basic(message, 's', &name);
    if (result >= 0) result = ::sd_bus_message_peek_type(message, nullptr, &type);
    if (result < 0) return result;
    const Property* wanted = nullptr;
    for (const Property& each : known)
      if (std::strcmp(each.name, name) == 0 && std::strcmp(each.type, type) == 0) wanted = &each;
    if (wanted) {
      result = ::sd_bus_message_enter_container(message, 'v', wanted->type);
      if (result >= 0) result = wanted->read(message);
      if (result >= 0) result = ::sd_bus_message_exit_container(message);
    } else {
      result = ::sd_bus_message_skip(message, "v");
    }
    if (result >= 0) result = ::sd_bus_message_exit_container(message);
  }
  return result;
}

Bus::Arguments of(std::string name) {
  return [name = std::move(name)](sd_bus_message* call) { return ::sd_bus_message_append(call, "s", name.c_str()); };
}

/// Nothing written is written out, too: what was in force before is not any more.
int append_limits(sd_bus_message* call, const ScopeLimits& limits) {
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  return ::sd_bus_message_append(call, "(sv)(sv)(sv)", "MemoryMax", "t", limits.memory_max.value_or(kNone), "TasksMax",
                                 "t", limits.tasks_max.value_or(kNone), "CPUWeight", "t",
                                 limits.cpu_weight.value_or(kNone));
}

int append_scope(sd_bus_message* call, const TransientScope& scope, pid_t pid) {
  int result = ::sd_bus_message_append(call, "ss", scope.name.c_str(), "fail");
  if (result >= 0) result = ::sd_bus_message_open_container(call, 'a', "(sv)");
  // Delegated: only such a scope can be joined later (AttachProcessesToUnit), and systemd leaves it alone when one of its
  // processes is killed for want of memory (OOMPolicy=, since 253). Two controllers, to count; not that of the processor,
  // which would have to be in force for everybody beside it.
  if (result >= 0)
    result = ::sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                                     scope.description.c_str(), "Slice", "s", scope.slice.c_str(), "Before", "as", 1,
                                     scope.before.c_str(), "DelegateControllers", "as", 2, "memory", "pids",
                                     "MemoryAccounting", "b", 1, "CollectMode", "s", "inactive-or-failed", "PIDs", "au",
                                     1, static_cast<std::uint32_t>(pid));
  if (result >= 0) result = append_limits(call, scope.limits);
  if (result >= 0) result = ::sd_bus_message_close_container(call);
  return result < 0 ? result : ::sd_bus_message_append(call, "a(sa(sv))", 0);
}

std::string rule(const std::string& sender, const std::string& interface, const std::string& member,
                 const std::string& further) {
  return "type='signal',sender='" + sender + "',interface='" + interface + "',member='" + member + "'," + further;
}

}  // namespace

bool Units::here() { return ::sd_booted() > 0; }

Units::Units(asio::io_context& loop)
    : loop_(loop), bus_(loop, [this] { asio::co_spawn(loop_, introduce_ourselves(), asio::detached); }) {
  std::string of_manager = std::string("path='") + kManagerPath + "'";
  bus_.listen(rule(kSystemd, kManager, "JobRemoved", of_manager), [this](sd_bus_message* s) { on_job_removed(s); });
  bus_.listen(
      rule("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", std::string("arg0='") + kSystemd + "'"),
      [this](sd_bus_message* s) { on_owner(s); });
}

/// systemd tells nothing to whom it does not know (Subscribe in org.freedesktop.systemd1(5)); and all that was known may
/// have changed meanwhile.
asio::awaitable<void> Units::introduce_ourselves() {
  (void)co_await ask("Subscribe", {});
  for (auto& [name, unit] : watched_) {
    unit->held = false;
    note_change(*unit);
  }
}

/// systemd forgets what it does not need, with how it ended; and reads, and complains about, its files each time that
/// somebody asks again.
asio::awaitable<void> Units::hold(std::string name) {
  Watched& known = watched(name);
  if (std::exchange(known.held, true)) co_return;
  Bus::Arguments by_name = of(std::move(name));
  (void)co_await ask("RefUnit", std::move(by_name));
}

void Units::on_owner(sd_bus_message* signal) {
  const char *name = nullptr, *before = nullptr, *now = nullptr;
  if (::sd_bus_message_read(signal, "sss", &name, &before, &now) < 0 || *now == '\0') return;
  asio::co_spawn(loop_, introduce_ourselves(), asio::detached);
}

void Units::on_job_removed(sd_bus_message* signal) {
  std::uint32_t id = 0;
  const char *job = nullptr, *name = nullptr, *result = nullptr;
  if (::sd_bus_message_read(signal, "uoss", &id, &job, &name, &result) < 0) return;
  auto found = watched_.find(name);
  if (found == watched_.end()) return;
  found->second->last_job = result;
  note_change(*found->second);
}

void Units::note_change(Watched& unit) {
  ++unit.changes;
  unit.news.expires_at(asio::steady_timer::time_point::max());  // wakes who waits in changed()
}

Units::Watched& Units::watched(const std::string& name) {
  auto& unit = watched_[name];
  if (!unit) unit = std::make_unique<Watched>(loop_);
  return *unit;
}

void Units::watch(Watched& unit, const std::string& path) {
  if (unit.path == path) return;
  unit.path = path;
  bus_.listen(rule(kSystemd, kProperties, "PropertiesChanged", "path='" + path + "'"),
              [&unit](sd_bus_message*) { note_change(unit); });
}

asio::awaitable<Reply> Units::persist(Method method, Bus::Arguments arguments) {
  auto give_up = steady_clock::now() + kPatience;
  for (;;) {
    Reply reply = co_await bus_.call(method, arguments, kAnswerLimit);
    if (reply || !reply.error().gone() || steady_clock::now() > give_up) co_return reply;
    co_await pause(kAskAgain);
  }
}

asio::awaitable<Reply> Units::ask(std::string member, Bus::Arguments arguments) {
  Method method{kSystemd, kManagerPath, kManager, std::move(member)};
  co_return co_await persist(std::move(method), std::move(arguments));
}

asio::awaitable<std::expected<void, BusError>> Units::order(std::string member, Bus::Arguments arguments) {
  Reply reply = co_await ask(std::move(member), std::move(arguments));
  if (!reply) co_return std::unexpected(reply.error());
  co_return std::expected<void, BusError>{};
}

asio::awaitable<std::expected<Unit, BusError>> Units::look(std::string name) {
  Watched& known = watched(name);
  Bus::Arguments by_name = of(name);
  Reply loaded = co_await ask("LoadUnit", std::move(by_name));
  if (!loaded) co_return std::unexpected(loaded.error());
  const char* path = nullptr;
  if (::sd_bus_message_read(loaded->get(), "o", &path) < 0)
    co_return std::unexpected(BusError{"", "systemd's answer about " + name + " cannot be understood"});
  watch(known, path);
  co_await hold(name);
  Unit unit{};
  unit.seen = known.changes;
  Method all_of_it{kSystemd, known.path, kProperties, "GetAll"};
  Bus::Arguments all_interfaces = of("");
  Reply told = co_await persist(std::move(all_of_it), std::move(all_interfaces));
  if (!told) co_return std::unexpected(told.error());
  if (read_unit(told->get(), unit) < 0)
    co_return std::unexpected(BusError{"", "systemd's answer about " + name + " cannot be understood"});
  unit.last_job = known.last_job;
  co_return unit;
}

asio::awaitable<std::expected<void, BusError>> Units::start(std::string name) {
  watched(name).last_job.clear();
  Bus::Arguments replacing = [name](sd_bus_message* call) {
    return ::sd_bus_message_append(call, "ss", name.c_str(), "replace");
  };
  co_return co_await order("StartUnit", std::move(replacing));
}

asio::awaitable<std::expected<void, BusError>> Units::stop(std::string name) {
  Bus::Arguments replacing = [name](sd_bus_message* call) {
    return ::sd_bus_message_append(call, "ss", name.c_str(), "replace");
  };
  co_return co_await order("StopUnit", std::move(replacing));
}

asio::awaitable<std::expected<void, BusError>> Units::kill(std::string name) {
  Bus::Arguments all_of_it = [name](sd_bus_message* call) {
    return ::sd_bus_message_append(call, "ssi", name.c_str(), "all", SIGKILL);
  };
  co_return co_await order("KillUnit", std::move(all_of_it));
}

asio::awaitable<std::expected<void, BusError>> Units::reset_failed(std::string name) {
  Bus::Arguments by_name = of(std::move(name));
  co_return co_await order("ResetFailedUnit", std::move(by_name));
}

asio::awaitable<Reply> Units::ask_once(std::string member, Bus::Arguments arguments, milliseconds limit) {
  Method method{kSystemd, kManagerPath, kManager, std::move(member)};
  co_return co_await bus_.call(std::move(method), std::move(arguments), limit);
}

asio::awaitable<std::expected<void, BusError>> Units::start_scope(TransientScope scope, pid_t pid, milliseconds limit) {
  auto give_up = steady_clock::now() + limit;
  Watched& known = watched(scope.name);
  known.last_job.clear();
  Bus::Arguments made_of = [scope, pid](sd_bus_message* call) { return append_scope(call, scope, pid); };
  Reply queued = co_await ask_once("StartTransientUnit", std::move(made_of), limit);
  if (!queued) co_return std::unexpected(queued.error());
  while (known.last_job.empty() && steady_clock::now() < give_up) {
    auto left = std::chrono::ceil<milliseconds>(give_up - steady_clock::now());
    co_await changed(scope.name, known.changes, left);
  }
  if (known.last_job == "done") co_return std::expected<void, BusError>{};
  std::string how = known.last_job.empty() ? "is not done" : known.last_job;
  co_return std::unexpected(BusError{"", "systemd's job for " + scope.name + ": " + how});
}

asio::awaitable<std::expected<void, BusError>> Units::join(std::string name, pid_t pid, milliseconds limit) {
  Bus::Arguments into = [name, pid](sd_bus_message* call) {
    return ::sd_bus_message_append(call, "ssau", name.c_str(), "", 1, static_cast<std::uint32_t>(pid));
  };
  Reply moved = co_await ask_once("AttachProcessesToUnit", std::move(into), limit);
  if (!moved) co_return std::unexpected(moved.error());
  co_return std::expected<void, BusError>{};
}

asio::awaitable<std::expected<void, BusError>> Units::limit(std::string name, ScopeLimits limits, milliseconds limit) {
  Bus::Arguments to = [name, limits](sd_bus_message* call) {
    int result = ::sd_bus_message_append(call, "sb", name.c_str(), 1);  // until it is gone, as it is itself
    if (result >= 0) result = ::sd_bus_message_open_container(call, 'a', "(sv)");
    if (result >= 0) result = append_limits(call, limits);
    return result < 0 ? result : ::sd_bus_message_close_container(call);
  };
  Reply set = co_await ask_once("SetUnitProperties", std::move(to), limit);
  if (!set) co_return std::unexpected(set.error());
  co_return std::expected<void, BusError>{};
}

asio::awaitable<void> Units::changed(std::string name, std::uint64_t seen, milliseconds limit) {
  Watched& known = watched(name);
  if (known.changes != seen) co_return;
  using namespace asio::experimental::awaitable_operators;
  boost::system::error_code by_news;
  co_await (known.news.async_wait(asio::redirect_error(asio::use_awaitable, by_news)) || pause(limit));
}

}  // namespace postmultid::host
