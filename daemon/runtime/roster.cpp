#include "runtime/roster.hpp"

#include <algorithm>
#include <set>

#include "model/names.hpp"

namespace postmultid::runtime {

using postfix::Listed;
using supervision::MemberSpec;
using supervision::Policy;

namespace {

supervision::RestartRule rule_of(definitions::Restart restart) {
  switch (restart) {
    case definitions::Restart::on_failure: return supervision::RestartRule::on_failure;
    case definitions::Restart::always: return supervision::RestartRule::always;
    case definitions::Restart::never: return supervision::RestartRule::never;
  }
  return supervision::RestartRule::on_failure;
}

Policy policy_of(const definitions::Supervise& written) {
  Policy policy;
  if (written.restart) policy.restart = rule_of(*written.restart);
  if (written.on_unhealthy == definitions::OnUnhealthy::restart)
    policy.on_unhealthy = supervision::UnhealthyRule::restart;
  if (written.on_upgrade == definitions::OnUpgrade::flag) policy.on_upgrade = supervision::UpgradeRule::flag;
  policy.restart_delay = written.restart_delay.value_or(policy.restart_delay);
  policy.restart_delay_max = written.restart_delay_max.value_or(policy.restart_delay_max);
  policy.stable_after = written.stable_after.value_or(policy.stable_after);
  policy.start_limit = written.start_limit.value_or(policy.start_limit);
  policy.start_limit_interval = written.start_limit_interval.value_or(policy.start_limit_interval);
  if (written.retry_failed) policy.retry_failed = written.retry_failed->after;
  policy.start_timeout = written.start_timeout.value_or(policy.start_timeout);
  policy.stop_timeout = written.stop_timeout.value_or(policy.stop_timeout);
  policy.stop_grace = written.stop_grace.value_or(policy.stop_grace);
  policy.orphan_grace = written.orphan_grace.value_or(policy.orphan_grace);
  return policy;
}

host::ScopeLimits limits_of(const definitions::Supervise& written) {
  return {written.memory_max, written.tasks_max, written.cpu_weight};
}

/// How events speak of those that others run.
std::optional<supervision::Wording> wording_of(const definitions::Companion& companion) {
  if (!companion.unit.text.empty())
    return supervision::Wording{companion.unit.text, companion.unit.text + " is not active"};
  if (companion.command.empty() && companion.ready)
    return supervision::Wording{companion.ready->text(), "is let go: whoever answers there goes on"};
  return std::nullopt;
}

bool is_called(const postfix::Instance& instance, const std::string& name) {
  return instance.name == name || instance.id.text == name || instance.config_directory == name;
}

/// An instance that Postfix does not list is no error: it may be created later. But somebody should see it. `declared`: an apply
/// makes it.
std::string not_listed(const definitions::Name& name, const std::vector<Listed>& listed, bool declared) {
  std::vector<std::string> candidates;
  for (const Listed& each : listed) candidates.push_back(each.instance.id.text);
  auto near = model::nearest(candidates, name.text);
  std::string words = name.place.text() + ": no instance \"" + name.text + "\" in multi_instance_directories";
  if (declared) return words + "; pmctl apply makes it" + (near ? ", unless \"" + *near + "\" is meant" : "");
  return words + (near ? "; did you mean \"" + *near + "\"?" : "");
}

class Composer {
 public:
  Composer(const std::vector<Listed>& listed, const definitions::Definition& definition, const Crew& crew)
      : listed_(listed), definition_(definition), crew_(crew) {}

  Roster compose() {
    for (const Listed& each : listed_)
      if (each.instance.primary) add(each, nullptr);
    for (const definitions::Group& group : definition_.groups) {
      roster_.groups.push_back({group.name.text, group.parallel, group.required});
      for (const definitions::Name& name : group.members) add_named(name, group);
    }
    for (const Listed& each : listed_) add(each, nullptr);
    for (const definitions::Instance& declared : definition_.instances)
      if (!listed(declared.name.text)) roster_.problems.push_back(not_listed(declared.name, listed_, true));
    return std::move(roster_);
  }

 private:
  const Listed* listed(const std::string& name) const {
    auto found = std::find_if(listed_.begin(), listed_.end(),
                              [&](const Listed& each) { return is_called(each.instance, name); });
    return found == listed_.end() ? nullptr : &*found;
  }

  bool is_declared(const std::string& name) const {
    return std::ranges::any_of(definition_.instances, [&](const auto& each) { return each.name.text == name; });
  }

  void add_named(const definitions::Name& name, const definitions::Group& group) {
    auto companion = std::find_if(definition_.companions.begin(), definition_.companions.end(),
                                  [&](const auto& each) { return each.name.text == name.text; });
    if (companion != definition_.companions.end()) return add(*companion, group);
    const Listed* instance = listed(name.text);
    if (!instance && !is_declared(name.text))  // that one is told once, where it is declared
      roster_.problems.push_back(not_listed(name, listed_, false));
    if (!instance) return;
    if (taken_.contains(instance->instance.id))  // under another name, or it is the primary
      roster_.problems.push_back(name.place.text() + ": \"" + name.text + "\" has its place already, before this one");
    else
      add(*instance, &group);
  }

  void add(const Listed& entry, const definitions::Group* group) {
    const postfix::Instance& instance = entry.instance;
    if (!taken_.insert(instance.id).second) return;
    // Where this instance's place in the definition is: the words about it, and those of its group.
    const definitions::Instance* declared = declared_as(instance);
    const std::string& group_name = group ? group->name.text : instance.group;
    if (!group) group = group_called(group_name);
    auto supervise = (declared ? declared->supervise : definitions::Supervise{})
                         .over(group ? group->supervise : definitions::Supervise{})
                         .over(definition_.defaults);
    bool examinable = !instance.queue_directory.empty() && !(entry.broken && entry.broken->code == "conflict");
    roster_.entries.push_back(
        {MemberSpec{instance.id, group_name, instance.enabled, entry.broken, policy_of(supervise), examinable,
                    instance.primary, false},
         crew_.drive(instance, declared ? declared->reload_on : std::vector<std::string>{}, limits_of(supervise)),
         entry.enabled_known, entry.shares});
  }

  void add(const definitions::Companion& companion, const definitions::Group& group) {
    model::MemberId id{companion.name.text};
    if (!taken_.insert(id).second || listed(id.text)) {
      roster_.problems.push_back(companion.name.place.text() + ": \"" + id.text + "\" is an instance of Postfix");
      return;
    }
    auto supervise = companion.supervise.over(group.supervise).over(definition_.defaults);
    MemberSpec spec{id, group.name.text, true, {}, policy_of(supervise), true, false, true};
    spec.wording = wording_of(companion);
    roster_.entries.push_back({std::move(spec), crew_.drive(companion, limits_of(supervise)), true});
  }

  const definitions::Instance* declared_as(const postfix::Instance& instance) const {
    if (instance.primary) return definition_.primary ? &*definition_.primary : nullptr;
    auto found = std::find_if(definition_.instances.begin(), definition_.instances.end(),
                              [&](const auto& each) { return is_called(instance, each.name.text); });
    return found == definition_.instances.end() ? nullptr : &*found;
  }

  const definitions::Group* group_called(const std::string& name) const {
    auto found = std::find_if(definition_.groups.begin(), definition_.groups.end(),
                              [&](const auto& each) { return each.name.text == name; });
    return found == definition_.groups.end() ? nullptr : &*found;
  }

  const std::vector<Listed>& listed_;
  const definitions::Definition& definition_;
  const Crew& crew_;
  std::set<model::MemberId> taken_;
  Roster roster_;
};

}  // namespace

Roster compose(const std::vector<Listed>& listed, const definitions::Definition& definition, const Crew& crew) {
  return Composer(listed, definition, crew).compose();
}

}  // namespace postmultid::runtime
