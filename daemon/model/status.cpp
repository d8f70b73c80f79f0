#include "model/status.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "model/optional_json.hpp"

namespace postmultid::model {

using nlohmann::json;

std::string to_rfc3339(WallTime time) {
  auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (milliseconds - seconds).count());
}

std::optional<WallTime> from_rfc3339(const std::string& text) {
  std::tm broken_down{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &broken_down);
  // What a count of nanoseconds in 64 bits cannot hold is no time of ours.
  if (!rest || broken_down.tm_year < 70 || broken_down.tm_year > 340) return std::nullopt;
  auto time = std::chrono::system_clock::from_time_t(::timegm(&broken_down));
  int milliseconds = 0, length = 0;
  if (std::sscanf(rest, ".%3dZ%n", &milliseconds, &length) != 1 || rest[length] != '\0' || length != 5)
    return std::nullopt;
  return time + std::chrono::milliseconds(milliseconds);
}

namespace {

void to(json& j, const char* key, const WallTime& time) { j[key] = to_rfc3339(time); }
void to(json& j, const char* key, const std::optional<WallTime>& time) {
  j[key] = time ? json(to_rfc3339(*time)) : json();
}
void from(const json& j, const char* key, WallTime& time) {
  time = from_rfc3339(j.at(key).get<std::string>()).value_or(WallTime{});
}
void from(const json& j, const char* key, std::optional<WallTime>& time) {
  time = j.at(key).is_null() ? std::nullopt : from_rfc3339(j.at(key).get<std::string>());
}

json of(const Reason& reason) {
  json j{
      {"code", reason.code}, {"message", reason.message}, {"next_action", reason.next_action}, {"hint", reason.hint}};
  to(j, "since", reason.since);
  to(j, "next_at", reason.next_at);
  put(j, "class", reason.kind);
  j["awaits"] = reason.awaits;
  j["effect"] = reason.effect;
  j["last_good"] = reason.last_good;
  j["log"] = reason.log;
  return j;
}

Reason reason_of(const json& j) {
  Reason reason{.code = j.at("code"),
                .message = j.at("message"),
                .since = {},
                .next_action = j.at("next_action"),
                .next_at = {},
                .hint = j.at("hint"),
                .kind = {},
                .awaits = j.at("awaits"),
                .effect = j.at("effect"),
                .log = j.at("log"),
                .last_good = j.at("last_good")};
  get(j, "class", reason.kind);
  from(j, "since", reason.since);
  from(j, "next_at", reason.next_at);
  return reason;
}

json of(const Failure& failure) {
  json j{{"what", failure.what},       {"class", failure.kind},  {"code", failure.code},
         {"message", failure.message}, {"times", failure.times}, {"log", failure.log}};
  to(j, "at", failure.at);
  return j;
}

Failure failure_of(const json& j) {
  Failure failure{{}, j.at("what"), j.at("class"), j.at("code"), j.at("message"), j.at("times"), j.at("log")};
  from(j, "at", failure.at);
  return failure;
}

json of(const Check& check) {
  json j{{"name", check.name}, {"detail", check.detail}};
  put(j, "ok", check.ok);
  return j;
}

Check check_of(const json& j) {
  Check check{j.at("name"), {}, j.at("detail")};
  get(j, "ok", check.ok);
  return check;
}

json of(const LastExit& exit) {
  json j{{"cause", exit.cause},
         {"signal", exit.signal.empty() ? json() : json(exit.signal)},
         {"core_dumped", exit.core_dumped}};
  put(j, "status", exit.status);
  to(j, "at", exit.at);
  return j;
}

LastExit exit_of(const json& j) {
  LastExit exit{j.at("cause"), j.at("signal").is_null() ? "" : j.at("signal"), {}, {}, j.at("core_dumped")};
  get(j, "status", exit.status);
  from(j, "at", exit.at);
  return exit;
}

json of(const QueueCounts& queue) {
  json j{{"maildrop", queue.maildrop},  {"incoming", queue.incoming}, {"active", queue.active},
         {"deferred", queue.deferred},  {"hold", queue.hold},         {"corrupt", queue.corrupt},
         {"truncated", queue.truncated}};
  to(j, "oldest_at", queue.oldest_at);
  to(j, "counted_at", queue.counted_at);
  return j;
}

QueueCounts queue_of(const json& j) {
  QueueCounts queue{
      j.at("maildrop"), j.at("incoming"), j.at("active"), j.at("deferred"), j.at("hold"), j.at("corrupt"), {}, {},
      j.at("truncated")};
  from(j, "oldest_at", queue.oldest_at);
  from(j, "counted_at", queue.counted_at);
  return queue;
}

json of(const Proof& proof) {
  json j{{"pid", proof.pid},
         {"start_ticks", proof.start_ticks},
         {"executable", proof.executable},
         {"lock_file", proof.lock_file},
         {"adopted", proof.adopted}};
  to(j, "proved_at", proof.proved_at);
  return j;
}

Proof proof_of(const json& j) {
  Proof proof{j.at("pid"), j.at("start_ticks"), j.at("executable"), j.at("lock_file"), j.at("adopted"), {}};
  from(j, "proved_at", proof.proved_at);
  return proof;
}

json of(const Survivors& survivors) {
  json j{{"count", survivors.count}};
  to(j, "ended_at", survivors.ended_at);
  return j;
}

Survivors survivors_of(const json& j) {
  Survivors survivors{j.at("count"), {}};
  from(j, "ended_at", survivors.ended_at);
  return survivors;
}

/// An optional part of a member: null in JSON when it is not there.
template <typename T, typename Read>
void part(const json& j, const char* key, std::optional<T>& value, Read read) {
  value = j.at(key).is_null() ? std::nullopt : std::optional<T>(read(j.at(key)));
}

}  // namespace

void to_json(json& j, const Member& m) {
  j = json{{"id", m.id.text},
           {"name", m.name},
           {"group", m.group},
           {"kind", m.kind},
           {"primary", m.primary},
           {"config_directory", m.config_directory},
           {"queue_directory", m.queue_directory},
           {"state", m.state},
           {"desired", m.desired},
           {"health", m.health},
           {"checks", json::array()},
           {"reason", m.reason ? of(*m.reason) : json()},
           {"restarts", m.restarts},
           {"last_exit", m.last_exit ? of(*m.last_exit) : json()},
           {"failures", json::array()},
           {"listeners", m.listeners},
           {"queue", m.queue ? of(*m.queue) : json()},
           {"restart_required", m.restart_required},
           {"proof", m.proof ? of(*m.proof) : json()},
           {"survivors", m.survivors ? of(*m.survivors) : json()}};
  for (const auto& check : m.checks) j["checks"].push_back(of(check));
  for (const auto& failure : m.failures) j["failures"].push_back(of(failure));
  put(j, "enabled", m.enabled);
  put(j, "pid", m.pid);
  put(j, "processes", m.processes);
  put(j, "memory_bytes", m.memory_bytes);
  put(j, "tasks", m.tasks);
  put(j, "cpu_seconds", m.cpu_seconds);
  put(j, "drift", m.drift);
  j["drift_detail"] = m.drift_detail.empty() ? json() : json(m.drift_detail);
  j["stale_tables"] = m.stale_tables;
  to(j, "started_at", m.started_at);
  to(j, "state_changed_at", m.state_changed_at);
}

void from_json(const json& j, Member& m) {
  j.at("id").get_to(m.id.text);
  j.at("name").get_to(m.name);
  j.at("group").get_to(m.group);
  j.at("kind").get_to(m.kind);
  j.at("primary").get_to(m.primary);
  j.at("config_directory").get_to(m.config_directory);
  j.at("queue_directory").get_to(m.queue_directory);
  j.at("state").get_to(m.state);
  j.at("desired").get_to(m.desired);
  j.at("health").get_to(m.health);
  for (const auto& check : j.at("checks")) m.checks.push_back(check_of(check));
  part(j, "reason", m.reason, reason_of);
  j.at("restarts").get_to(m.restarts);
  part(j, "last_exit", m.last_exit, exit_of);
  for (const auto& failure : j.at("failures")) m.failures.push_back(failure_of(failure));
  j.at("listeners").get_to(m.listeners);
  part(j, "queue", m.queue, queue_of);
  j.at("restart_required").get_to(m.restart_required);
  part(j, "proof", m.proof, proof_of);
  part(j, "survivors", m.survivors, survivors_of);
  get(j, "enabled", m.enabled);
  get(j, "pid", m.pid);
  get(j, "processes", m.processes);
  get(j, "memory_bytes", m.memory_bytes);
  get(j, "tasks", m.tasks);
  get(j, "cpu_seconds", m.cpu_seconds);
  get(j, "drift", m.drift);
  if (j.contains("drift_detail") && !j.at("drift_detail").is_null()) j.at("drift_detail").get_to(m.drift_detail);
  if (j.contains("stale_tables")) j.at("stale_tables").get_to(m.stale_tables);
  from(j, "started_at", m.started_at);
  from(j, "state_changed_at", m.state_changed_at);
}

void to_json(json& j, const Group& group) {
  j = json{{"name", group.name}, {"up", group.up}, {"wanted", group.wanted}, {"members", json::array()}};
  for (const auto& id : group.members) j["members"].push_back(id.text);
}

void from_json(const json& j, Group& group) {
  group = {j.at("name"), j.at("up"), j.at("wanted"), {}};
  for (const auto& id : j.at("members")) group.members.push_back({id.get<std::string>()});
}

void to_json(json& j, const Daemon& daemon) {
  j = {{"version", daemon.version},
       {"hostname", daemon.hostname},
       {"mail_version", daemon.mail_version},
       {"state", daemon.state},
       {"pid", daemon.pid},
       {"started_at", to_rfc3339(daemon.started_at)},
       {"definition_files", daemon.definition_files},
       {"definition_problems", daemon.definition_problems},
       {"problems", daemon.problems},
       {"mode", daemon.mode},
       {"wrapper", daemon.wrapper}};
}

void to_json(json& j, const Status& status) {
  j = {{"daemon", status.daemon}, {"groups", status.groups}, {"members", status.members}};
}

void from_json(const json& j, Status& status) {
  const json& daemon = j.at("daemon");
  status.daemon = {daemon.at("version"), daemon.at("hostname"), daemon.at("mail_version"),
                   daemon.at("state"),   daemon.at("pid"),      {}};
  from(daemon, "started_at", status.daemon.started_at);
  daemon.at("definition_files").get_to(status.daemon.definition_files);
  daemon.at("definition_problems").get_to(status.daemon.definition_problems);
  daemon.at("problems").get_to(status.daemon.problems);
  daemon.at("mode").get_to(status.daemon.mode);
  daemon.at("wrapper").get_to(status.daemon.wrapper);
  j.at("groups").get_to(status.groups);
  j.at("members").get_to(status.members);
}

}  // namespace postmultid::model
