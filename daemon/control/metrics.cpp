#include "control/metrics.hpp"

#include <algorithm>
#include <chrono>

#include "control/exposition.hpp"

namespace postmultid::control {

using model::Member;
using model::WallTime;

namespace {

// What may end a life that nobody asked to end.
constexpr std::array kCauses{model::ExitCause::exit, model::ExitCause::signal, model::ExitCause::oom,
                             model::ExitCause::unknown};

double to_seconds(WallTime time) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()) /
         1000;
}

double to_bit(bool yes) { return yes ? 1 : 0; }

double to_double(std::uint64_t count) { return static_cast<double>(count); }

/// Until the next try, counted from the failure.
double backoff_of(const Member& member) {
  if (member.state != model::State::backoff || !member.reason || !member.reason->next_at) return 0;
  return std::max(0.0, to_seconds(*member.reason->next_at) - to_seconds(member.state_changed_at));
}

void write_daemon(const model::Status& status, Exposition& out) {
  const model::Daemon& daemon = status.daemon;
  out.family("postmultid_build_info", "gauge", "Version of postmultid and of the compiler that built it.");
  out.sample({{"version", daemon.version}, {"compiler", "gcc " __VERSION__}}, 1);
  out.family("postmultid_managing", "gauge", "Whether it manages this host; 0: it only observes.");
  out.sample({}, to_bit(daemon.mode == model::Mode::manage));
  out.family("postmultid_problems", "gauge",
             "What the daemon cannot do as it should, and where its definition does not fit.");
  out.sample({}, to_double(daemon.problems.size() + daemon.definition_problems.size()));

  const model::DaemonTally& tally = daemon.tally;
  out.family("postmultid_config_last_reload_successful", "gauge",
             "Whether the definition was good when it was read last.");
  out.sample({}, to_bit(tally.definition_good));
  out.family("postmultid_config_last_reload_success_timestamp_seconds", "gauge",
             "When a good definition was read last.");
  if (tally.definition_taken_at) out.sample({}, to_seconds(*tally.definition_taken_at));

  out.family("postmultid_instances", "gauge", "Members by state.");
  for (model::State state : model::kStates) {
    auto in = std::count_if(status.members.begin(), status.members.end(),
                            [&](const Member& member) { return member.state == state; });
    out.sample({{"state", model::to_word(state)}}, static_cast<double>(in));
  }
  auto ended = [&](model::Action action) {
    auto found = tally.operations.find(action);
    return found == tally.operations.end() ? model::DaemonTally::Ended{} : found->second;
  };
  out.family("postmultid_operations_total", "counter", "Operations that have ended.");
  for (model::Action action : model::kActions)
    out.sample({{"operation", model::to_word(action)}}, to_double(ended(action).all));
  out.family("postmultid_operation_failures_total", "counter", "Operations that have ended otherwise than asked.");
  for (model::Action action : model::kActions)
    out.sample({{"operation", model::to_word(action)}}, to_double(ended(action).failed));
  out.family("postmultid_operations_in_progress", "gauge", "Operations under way.");
  out.sample({}, to_double(tally.operations_under_way));
  out.family("postmultid_events_total", "counter", "Events that were recorded.");
  out.sample({}, to_double(tally.events));
}

/// One family of one number a member; of whom it is not known there is no sample.
template <typename Value>
void write_each(const model::Status& status, Exposition& out, std::string_view name, std::string_view type,
                std::string_view help, Value value) {
  out.family(name, type, help);
  for (const Member& member : status.members)
    if (std::optional<double> number = value(member)) out.sample({{"postfix_instance", member.id.text}}, *number);
}

std::optional<double> known(const std::optional<std::uint64_t>& count) {
  return count ? std::optional(to_double(*count)) : std::nullopt;
}

void write_states(const model::Status& status, Exposition& out) {
  out.family("postmultid_instance_info", "gauge", "What a member is.");
  for (const Member& m : status.members) {
    bool postfix = m.kind == model::Kind::postfix;
    out.sample({{"postfix_instance", m.id.text},
                {"group", m.group},
                {"kind", model::to_word(m.kind)},
                {"config_directory", m.config_directory},
                {"queue_directory", m.queue_directory},
                {"mail_version", postfix ? status.daemon.mail_version : ""}},
               1);
  }
  out.family("postmultid_instance_state", "gauge", "The state that a member is in: 1 for that, 0 for all others.");
  for (const Member& member : status.members)
    for (model::State state : model::kStates)
      out.sample({{"postfix_instance", member.id.text}, {"state", model::to_word(state)}},
                 to_bit(member.state == state));
  out.family("postmultid_instance_health", "gauge", "How well a member works: 1 for that, 0 for all others.");
  for (const Member& member : status.members)
    for (model::Health health : model::kHealths)
      out.sample({{"postfix_instance", member.id.text}, {"health", model::to_word(health)}},
                 to_bit(member.health == health));
  out.family("postmultid_instance_check_up", "gauge",
             "Whether a check is good; a check that says nothing has no sample.");
  for (const Member& member : status.members)
    for (const model::Check& check : member.checks)
      if (check.ok) out.sample({{"postfix_instance", member.id.text}, {"check", check.name}}, to_bit(*check.ok));
  out.family("postmultid_instance_up", "gauge", "Whether a member does its work.");
  for (const Member& member : status.members)
    out.sample({{"postfix_instance", member.id.text}, {"group", member.group}}, to_bit(model::is_up(member.state)));
  out.family("postmultid_instance_desired_up", "gauge", "Whether a member is wanted up.");
  for (const Member& member : status.members)
    out.sample({{"postfix_instance", member.id.text}, {"group", member.group}},
               to_bit(member.desired == model::Desired::up));
}

void write_counts(const model::Status& status, Exposition& out) {
  out.family("postmultid_instance_exits_total", "counter", "Lives that ended without being asked to, by cause.");
  for (const Member& member : status.members)
    for (model::ExitCause cause : kCauses) {
      auto count = member.tally.exits.find(cause);
      out.sample({{"postfix_instance", member.id.text}, {"cause", model::to_word(cause)}},
                 count == member.tally.exits.end() ? 0 : to_double(count->second));
    }
  auto each = [&](std::string_view name, std::string_view help, auto count) {
    write_each(status, out, name, "counter", help, [&](const Member& m) { return std::optional(to_double(count(m))); });
  };
  each("postmultid_instance_restarts_total", "Restarts that nobody asked for.",
       [](const Member& m) { return m.restarts; });
  each("postmultid_instance_start_failures_total", "Starts that failed.",
       [](const Member& m) { return m.tally.start_failures; });
  each("postmultid_instance_reloads_total", "Reloads, failed ones included.",
       [](const Member& m) { return m.tally.reloads; });
  each("postmultid_instance_reload_failures_total", "Reloads that failed or were refused.",
       [](const Member& m) { return m.tally.reload_failures; });
}

void write_gauges(const model::Status& status, Exposition& out) {
  auto each = [&](std::string_view name, std::string_view help, auto value) {
    write_each(status, out, name, "gauge", help, value);
  };
  auto bit = [](bool yes) { return std::optional(to_bit(yes)); };
  auto time = [](const std::optional<WallTime>& at) { return at ? std::optional(to_seconds(*at)) : std::nullopt; };
  each("postmultid_instance_enabled", "Whether multi_instance_enable is yes; no sample: not known.",
       [&](const Member& m) { return m.enabled ? bit(*m.enabled) : std::nullopt; });
  each("postmultid_instance_start_time_seconds", "When its master was started.",
       [&](const Member& m) { return time(m.started_at); });
  each("postmultid_instance_state_change_timestamp_seconds", "When it came into its state.",
       [&](const Member& m) { return time(m.state_changed_at); });
  each("postmultid_instance_restart_backoff_seconds", "How long the wait for the next try is; 0: there is none.",
       [](const Member& m) { return std::optional(backoff_of(m)); });
  each("postmultid_instance_restart_required", "Whether it runs with what only a restart would renew.",
       [&](const Member& m) { return bit(m.restart_required); });
  each("postmultid_instance_config_drift",
       "Whether its files differ from the definition; no sample: that says nothing of it.",
       [&](const Member& m) { return m.drift ? bit(*m.drift) : std::nullopt; });
  each("postmultid_instance_stale_maps", "Lookup tables whose sources are newer than what postmap made of them.",
       [](const Member& m) { return std::optional(to_double(m.stale_tables.size())); });
  each("postmultid_instance_processes", "Its processes.", [](const Member& m) { return known(m.processes); });
  each("postmultid_instance_surviving_processes", "What crashed masters have left in the middle of a session.",
       [](const Member& m) { return std::optional(m.survivors ? to_double(m.survivors->count) : 0.0); });
  each("postmultid_instance_memory_bytes", "Memory of its own cgroup, cached files included.",
       [](const Member& m) { return known(m.memory_bytes); });
  write_each(status, out, "postmultid_instance_cpu_seconds_total", "counter", "CPU time of its own cgroup.",
             [](const Member& m) { return m.cpu_seconds; });
}

void write_requests(const Counters& counters, Exposition& out) {
  out.family("postmultid_api_requests_total", "counter", "Requests that were answered.");
  for (const auto& [route, count] : counters.routes())
    for (const auto& [status, times] : count.by_status)
      out.sample({{"route", route}, {"code", std::to_string(status)}}, to_double(times));
  out.family("postmultid_api_request_duration_seconds", "histogram",
             "From a request that is read to its answer; of a stream, to its beginning.");
  for (const auto& [route, count] : counters.routes()) {
    std::uint64_t within = 0;
    for (std::size_t i = 0; i < RouteCount::kLimits.size(); ++i) {
      within += count.within[i];
      out.sample("_bucket", {{"route", route}, {"le", to_number(RouteCount::kLimits[i])}}, to_double(within));
    }
    out.sample("_bucket", {{"route", route}, {"le", "+Inf"}}, to_double(count.all));
    out.sample("_sum", {{"route", route}}, count.seconds);
    out.sample("_count", {{"route", route}}, to_double(count.all));
  }
  out.family("postmultid_api_rejected_total", "counter", "What was refused before it came to a route.");
  for (const auto& [reason, times] : counters.rejections()) out.sample({{"reason", reason}}, to_double(times));
}

}  // namespace

std::string snapshot_metrics(const model::Status& status) {
  Exposition out;
  write_daemon(status, out);
  write_states(status, out);
  write_counts(status, out);
  write_gauges(status, out);
  return out.take();
}

std::string daemon_metrics(WallTime started_at, const Counters& counters, const host::OwnUse& use) {
  Exposition out;
  write_requests(counters, out);
  auto one = [&](std::string_view name, std::string_view type, std::string_view help, double value) {
    out.family(name, type, help);
    out.sample({}, value);
  };
  one("postmultid_api_connections", "gauge", "Connections to the API.", to_double(counters.connections));
  one("postmultid_event_subscribers", "gauge", "Clients that events are streamed to.",
      to_double(counters.event_streams));
  one("process_start_time_seconds", "gauge", "When the daemon was started.", to_seconds(started_at));
  one("process_cpu_seconds_total", "counter", "CPU time of the daemon.", use.cpu_seconds);
  one("process_resident_memory_bytes", "gauge", "Resident memory of the daemon.", to_double(use.resident_bytes));
  one("process_virtual_memory_bytes", "gauge", "Virtual memory of the daemon.", to_double(use.virtual_bytes));
  one("process_open_fds", "gauge", "Open descriptors of the daemon.", to_double(use.open_files));
  one("process_max_fds", "gauge", "How many descriptors the daemon may open.", to_double(use.max_files));
  return out.take();
}

}  // namespace postmultid::control
