#include "runtime/view.hpp"

#include <algorithm>

namespace postmultid::runtime {

using model::Desired;
using model::Health;
using model::Member;
using model::Reason;
using model::State;
using supervision::Machine;
using supervision::Phase;

namespace {

constexpr std::chrono::milliseconds kDrift{10};

std::string fault_of(const Machine& machine) {
  return machine.fault() ? ": " + machine.fault()->message : std::string();
}

/// What else than time would make it happen.
std::string awaited(const Machine& machine) {
  const model::Fault& fault = *machine.fault();
  switch (fault.missing) {
    case model::Missing::address: return "a new address";
    case model::Missing::port: return fault.holder ? "the end of process " + std::to_string(fault.holder) : "";
    case model::Missing::lock: return fault.holder ? "the end of process " + std::to_string(fault.holder) : "";
    case model::Missing::mount: return "a mount";
    case model::Missing::name: return "a name that can be resolved";
    case model::Missing::answer: return "an answer";
    case model::Missing::space: return "";  // free space sends no word
    case model::Missing::nothing: break;
  }
  return machine.spec().companion ? "" : "a change of its main.cf or master.cf";
}

/// Why a member is not simply running or simply stopped.
std::optional<Reason> reason_of(const supervision::Fleet& fleet, const Machine& machine, const Ward& ward,
                                const Clocks& clocks) {
  Reason reason;
  reason.since = clocks.to_wall(machine.changed_at());
  if (machine.next_at()) reason.next_at = clocks.to_wall(*machine.next_at());
  const Machine* blocker = fleet.blocker(machine);
  const std::string& id = machine.spec().id.text;

  if (blocker) {
    reason.code = "waiting";
    reason.message = (machine.phase() == Phase::queued ? "waits for " : "is to stop after ") + blocker->spec().id.text +
                     ", which is " + model::to_word(blocker->state()) + fault_of(*blocker);
    reason.next_action = machine.phase() == Phase::queued ? "start" : "stop";
    if (machine.phase() == Phase::queued && !blocker->rising()) reason.hint = "pmctl start --no-hold " + id;
    return reason;
  }
  if (fleet.waits_for_check(machine)) {
    reason.code = "waiting-for-check";
    reason.message = "is to be checked; so are others, and only so many are at a time";
    return reason;
  }
  if (machine.phase() == Phase::draining) {
    reason.code = "draining";
    reason.message = "finishes what is under way" + (ward.under_way.empty() ? "" : ": " + ward.under_way);
    reason.next_action = "stop";
    return reason;
  }
  if (machine.stopped_outside()) {
    reason.code = "stopped-outside";
    reason.message = "stopped outside postmultid";
    reason.hint = "pmctl start " + id;
    return reason;
  }
  if (machine.phase() == Phase::stopped && !machine.spec().enabled) {
    reason.code = "disabled";
    reason.message = "multi_instance_enable is not yes";
    reason.hint = "pmctl start " + id;
    return reason;
  }
  if (!machine.spec().listed) {
    reason.code = "not-listed";
    reason.message = machine.spec().companion
                         ? "is not in the definition any more; runs until it is stopped"
                         : "is not in multi_instance_directories any more; runs until it is stopped";
    reason.hint = "pmctl stop " + id;
    return reason;
  }
  if (!machine.fault()) return std::nullopt;
  reason.code = machine.fault()->code;
  reason.message = machine.fault()->message;
  reason.hint = machine.fault()->hint;
  reason.kind = machine.fault()->kind;
  reason.log = machine.fault()->log;
  reason.last_good = machine.fault()->last_good;
  if (machine.phase() == Phase::backoff || (machine.phase() == Phase::failed && reason.next_at))
    reason.next_action = machine.desired() == Desired::up ? "start" : "stop";
  bool failed = machine.phase() == Phase::failed;
  if (failed && machine.desired() == Desired::up) reason.awaits = awaited(machine);
  if (failed && reason.hint.empty()) reason.hint = "pmctl start " + id;
  return reason;
}

model::LastExit last_exit_of(const Machine& machine, const Clocks& clocks) {
  const supervision::Exit& exit = *machine.last_exit();
  return {exit.cause, exit.signal_name, exit.status, clocks.to_wall(machine.exited_at()), exit.core_dumped};
}

std::vector<model::Failure> failures_of(const Machine& machine, const Clocks& clocks) {
  std::vector<model::Failure> list;
  for (const supervision::Failure& each : machine.past_failures())
    list.push_back({clocks.to_wall(each.at), each.what, each.fault.kind, each.fault.code, each.fault.message,
                    each.times, each.fault.log});
  return list;
}

bool config_ok(const Machine& machine, const Ward& ward) { return !machine.spec().broken && ward.shares.empty(); }

bool lacks_limits(const Ward& ward) { return ward.charge && !ward.lacks_limits.empty(); }

}  // namespace

Clocks Clocks::now() { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }

Clocks Clocks::renewed() const {
  Clocks fresh = now();
  auto drift = fresh.to_wall(monotonic) - wall;
  return std::chrono::abs(drift) < kDrift ? *this : fresh;
}

model::WallTime Clocks::to_wall(supervision::Instant instant) const {
  return wall + std::chrono::duration_cast<model::WallTime::duration>(instant - monotonic);
}

/// Health is what the checks say of a member that runs; of any other, and before a look, nothing is known.
Health health_of(const Machine& machine, const Ward& ward) {
  if (!machine.running()) return Health::unknown;
  bool bad = (!machine.spec().companion && !config_ok(machine, ward)) || lacks_limits(ward);
  return bad ? Health::degraded : machine.health().health();
}

Member view(const supervision::Fleet& fleet, const Overview& overview, const Machine& machine, const Ward& ward,
            const Clocks& clocks) {
  Member member;
  member.id = machine.spec().id;
  ward.driver->describe(member);
  member.group = machine.spec().group;
  member.state = machine.state();
  member.desired = machine.desired();
  if (ward.enabled_known) member.enabled = machine.spec().enabled;
  if (ward.charge) {
    if (pid_t pid = ward.charge->life->pid()) member.pid = pid;
    if (ward.charge->proof.pid) member.proof = ward.charge->proof;
    member.started_at = ward.started_at;
    member.checks = machine.health().checks();
    member.listeners = ward.listeners;
    member.survivors = ward.survivors;
    member.restart_required = machine.outdated() || ward.driver->needs_restart_from(*ward.charge->driver);
  }
  if (ward.drift) member.drift = !ward.drift->empty();
  member.drift_detail = ward.drift.value_or("");
  const auto& broken = machine.spec().broken;
  if (!machine.spec().companion)
    member.checks.push_back({"config", config_ok(machine, ward), broken ? broken->message : ward.shares});
  if (lacks_limits(ward)) member.checks.push_back({"limits", false, ward.lacks_limits});
  member.health = health_of(machine, ward);
  member.reason = reason_of(fleet, machine, ward, clocks);
  if (member.reason) member.reason->effect = effect_of(overview, machine, ward);
  member.state_changed_at = clocks.to_wall(machine.changed_at());
  member.restarts = machine.restarts();
  member.failures = failures_of(machine, clocks);
  if (machine.last_exit()) member.last_exit = last_exit_of(machine, clocks);
  member.queue = ward.counts.queue;
  member.stale_tables = ward.counts.stale_tables;
  if (ward.counted) member.processes = ward.counts.processes;
  member.memory_bytes = ward.usage.memory_bytes;
  member.tasks = ward.usage.tasks;
  member.cpu_seconds = ward.usage.cpu_seconds;
  member.tally = ward.tally;
  return member;
}

std::vector<model::Group> groups_of(const std::vector<Member>& members) {
  std::vector<model::Group> groups;
  for (const Member& member : members) {
    if (member.group.empty()) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.name == member.group; });
    if (group == groups.end()) group = groups.insert(groups.end(), model::Group{member.group, 0, 0, {}});
    group->members.push_back(member.id);
    group->up += is_up(member.state) ? 1 : 0;
    group->wanted += member.desired == Desired::up ? 1 : 0;
  }
  return groups;
}

}  // namespace postmultid::runtime
