#include "runtime/postfix_driver.hpp"

#include <boost/asio/post.hpp>
#include <csignal>

#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "postfix/last_words.hpp"
#include "postfix/leftovers.hpp"
#include "postfix/lifecycle.hpp"
#include "postfix/mail_log.hpp"
#include "postfix/probe.hpp"
#include "postfix/queue.hpp"
#include "postfix/reload.hpp"
#include "postfix/stale_tables.hpp"
#include "postfix/start.hpp"
#include "postfix/trigger.hpp"

namespace postmultid::runtime {

using model::FailureClass;
using model::Fault;

namespace {

constexpr milliseconds kQueueBudget{200};
// Where the word of a stop would stand, if the log has one: right at its end.
constexpr std::size_t kLinesOfEvidence = 50;

// syslog and postlogd write a moment after it is said.
constexpr milliseconds kLateWords{1000}, kLateWordsPause{100}, kDeathPause{500};

}  // namespace

// Not "postfix-" before a path: an instance might be called that.
std::string PostfixDriver::scope_of(const postfix::Instance& instance) {
  const std::string& id = instance.id.text;
  if (id == "-") return "postfix.scope";
  if (id.starts_with('/')) return "postfix:" + host::escaped_for_unit(id) + ".scope";
  return host::escaped_for_unit(id, true) + ".scope";
}

void PostfixDriver::describe(model::Member& member) const {
  member.name = instance_.name;
  member.kind = model::Kind::postfix;
  member.primary = instance_.primary;
  member.config_directory = instance_.config_directory;
  member.queue_directory = instance_.queue_directory;
}

Watched PostfixDriver::watched() const {
  const std::string& directory = instance_.config_directory;
  return {{directory + "/main.cf", directory + "/master.cf"},
          instance_.queue_directory.empty() ? "" : instance_.pid_file(),
          reload_on_,
          instance_.daemon_directory.empty() ? "" : postfix::real_daemon_directory(instance_) + "/master"};
}

/// SIGTERM ends it in order.
std::shared_ptr<const Life> PostfixDriver::life_of(postfix::Master master) const {
  auto was_asked_to_end = [instance = instance_, pid = master.process.pid()] {
    auto lines = postfix::last_lines(instance, kLinesOfEvidence);
    return lines && postfix::tells_of_a_stop(*lines, instance.syslog_name, pid);
  };
  ProcessLife::Facts facts{
      std::move(master.process),  master.start_ticks, master.executable, instance_.pid_file(), SIGTERM,
      std::move(was_asked_to_end)};
  return std::make_shared<ProcessLife>(children_, tools_.pool(), std::move(facts));
}

bool PostfixDriver::needs_restart_from(const Driver& before) const {
  const auto* started = dynamic_cast<const PostfixDriver*>(&before);
  if (!started) return true;
  // What master ignores on a reload, or cannot take back (docs/postfix-facts.md, "Reload").
  auto fixed = [](const postfix::Instance& i) {
    return std::tie(i.inet_interfaces, i.inet_protocols, i.queue_directory, i.data_directory, i.daemon_directory);
  };
  return fixed(instance_) != fixed(started->instance_);
}

asio::awaitable<Search> PostfixDriver::find() const {
  auto master = co_await postfix::examine(tools_, instance_);
  if (!master) co_return std::unexpected(master.error());
  if (!*master) co_return nullptr;
  remember_mount();  // its master stands in that queue
  auto life = life_of(std::move(**master));
  if (auto started = life->started_at()) keep_configuration(*started);
  co_return life;
}

/// Nobody waits for it: the disk that it writes to may hang.
void PostfixDriver::remember_mount() const {
  asio::post(tools_.lookers(), [&mounts = mounts_, instance = instance_] { mounts.remember(instance); });
}

asio::awaitable<Done> PostfixDriver::look_at_mount(bool accept_new_queue) const {
  if (accept_new_queue) co_return Done{};
  auto look = [&mounts = mounts_, instance = instance_]() -> Done {
    auto lacking = mounts.lacks_mount(instance);
    if (!lacking) return {};
    return std::unexpected(std::move(*lacking));
  };
  co_return co_await host::offload(tools_.pool(), std::move(look));
}

asio::awaitable<Done> PostfixDriver::check(bool accept_new_queue) const {
  // First what costs nothing and may have to wait for long; and postfix check makes directories where a mount is missing.
  auto seen = co_await look_at_mount(accept_new_queue);
  if (seen) seen = co_await postfix::look_around(tools_, instance_);
  if (seen) seen = co_await postfix::check(tools_, instance_);
  if (seen) co_return seen;
  Fault fault = co_await with_last_good(seen.error());
  co_return std::unexpected(std::move(fault));
}

asio::awaitable<Done> PostfixDriver::guard(bool restart, bool accept_new_queue, pid_t pid) const {
  auto guarded = co_await look_at_mount(accept_new_queue || !restart);
  if (guarded) guarded = co_await postfix::guard(tools_, instance_, pid);
  if (!guarded || !restart) co_return guarded;
  co_return co_await postfix::check(tools_, instance_);
}

asio::awaitable<Done> PostfixDriver::launch(bool accept_new_queue) const {
  auto seen = co_await look_at_mount(accept_new_queue);
  if (!seen) co_return seen;
  host::Settle settle = [&scopes = scopes_, scope = scope_](pid_t child) { return scopes.settle(scope, child); };
  co_return co_await postfix::launch(tools_, instance_, std::move(settle));
}

asio::awaitable<Proved> PostfixDriver::await_life(milliseconds limit) const {
  auto master = co_await postfix::await_master(tools_, instance_, limit);
  if (!master) co_return std::unexpected(master.error());
  co_return life_of(std::move(*master));
}

asio::awaitable<Ready> PostfixDriver::await_ready(pid_t pid, milliseconds limit) const {
  auto begun = std::chrono::system_clock::now();  // what is written from now on it has not read
  auto ready = co_await postfix::await_ready(tools_, instance_, pid, limit);
  if (ready) remember_mount();
  if (ready) keep_configuration(begun);
  co_return ready;
}

asio::awaitable<model::Readiness> PostfixDriver::look(pid_t pid, Look how) const {
  co_return co_await postfix::look(tools_, instance_, pid, how != Look::quick, how == Look::as_client);
}

asio::awaitable<unsigned> PostfixDriver::clear_listeners(pid_t dead) const {
  co_return co_await postfix::clear_listeners(tools_, instance_, dead);
}

asio::awaitable<host::Processes> PostfixDriver::commands(pid_t pid) const {
  co_return co_await postfix::commands_of(tools_, instance_, pid);
}

asio::awaitable<host::Processes> PostfixDriver::survivors(pid_t pid) const {
  co_return co_await postfix::survivors_beside(tools_, instance_, pid, cgroup());
}

asio::awaitable<void> PostfixDriver::sweep(bool force, pid_t only_of, host::Processes commands) const {
  co_await postfix::sweep(tools_, instance_, force, only_of, std::move(commands), cgroup());
  if (!only_of) co_await scopes_.leave(scope_);
}

asio::awaitable<void> PostfixDriver::drain(pid_t dead, std::function<void(std::string)> tell) const {
  co_await postfix::drain(tools_, instance_, dead, cgroup(), std::move(tell));
}

asio::awaitable<Done> PostfixDriver::reload(std::shared_ptr<const host::Process> process) const {
  auto begun = std::chrono::system_clock::now();
  auto done = co_await postfix::reload(tools_, instance_, std::move(process));
  if (done) keep_configuration(begun);
  co_return done;
}

/// Nobody waits for it, as for remember_mount().
void PostfixDriver::keep_configuration(model::WallTime read_at) const {
  asio::post(tools_.lookers(),
             [&last_good = last_good_, instance = instance_, read_at] { last_good.keep(instance, read_at); });
}

asio::awaitable<Fault> PostfixDriver::with_last_good(Fault fault) const {
  auto compare = [&last_good = last_good_, instance = instance_] { return last_good.if_changed(instance); };
  fault.last_good = co_await host::offload(tools_.lookers(), std::move(compare));
  co_return fault;
}

asio::awaitable<Done> PostfixDriver::flush() const {
  std::string problem = co_await postfix::flush(instance_);
  if (problem.empty()) co_return Done{};
  co_return std::unexpected(Fault{FailureClass::environment, "not-flushed", problem, ""});
}

asio::awaitable<Done> PostfixDriver::enable(bool enabled) const {
  auto edited = co_await postfix::enable(tools_, instance_, enabled);
  if (edited) co_return Done{};
  co_return std::unexpected(Fault{FailureClass::config, "not-edited", edited.error().why, ""});
}

/// By the word of `postfix stop` alone: what a master says of a SIGTERM may be about one that a daemon of ours has sent.
bool PostfixDriver::was_stopped_by_others(pid_t) const {
  auto lines = postfix::last_lines(instance_, kLinesOfEvidence);
  return lines && postfix::tells_of_a_stop(*lines, instance_.syslog_name, std::nullopt);
}

bool PostfixDriver::is_outdated(pid_t pid) const { return host::executable_is_replaced(pid); }

std::vector<std::string> PostfixDriver::serves() const {
  std::vector<std::string> list;
  for (const std::string& service : instance_.inet_services())
    list.push_back(service.find(':') == std::string::npos ? "port " + service : service);
  return list;
}

host::LogMark PostfixDriver::mark_log() const { return postfix::mark_log(instance_); }

asio::awaitable<Fault> PostfixDriver::explain(Fault fault, host::LogMark since, pid_t dead) const {
  // After a death the processor is its successor's for a moment; a start that has failed is waited for by somebody.
  milliseconds pause = dead ? kDeathPause : kLateWordsPause;
  if (dead) co_await host::pause(pause);
  std::vector<std::string> words;
  for (milliseconds waited{0}; waited < kLateWords; waited += pause) {
    auto read = [instance = instance_, since, dead] { return postfix::last_words(instance, since, dead); };
    words = co_await host::offload(tools_.lookers(), std::move(read));
    if (postfix::tell_of_an_end(words)) break;
    co_await host::pause(pause);
  }
  auto understand = [instance = instance_, fault, words] { return postfix::explained(instance, fault, words); };
  Fault understood = co_await host::offload(tools_.lookers(), std::move(understand));
  co_return co_await with_last_good(std::move(understood));
}

asio::awaitable<std::vector<std::string>> PostfixDriver::enforce_limits(pid_t pid) const {
  co_return co_await scopes_.enforce(scope_, pid);
}

Counts PostfixDriver::count() const {
  return {postfix::count_queue(instance_, kQueueBudget), census_.count(instance_),
          postfix::stale_tables(instance_.tables, std::chrono::system_clock::now())};
}

model::Result<std::vector<std::string>> PostfixDriver::last_lines(std::size_t count) const {
  return postfix::last_lines(instance_, count);
}

}  // namespace postmultid::runtime
