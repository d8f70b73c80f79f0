#include "definitions/decode.hpp"

#include "definitions/reader.hpp"
#include "definitions/values.hpp"
#include "model/words.hpp"

namespace postmultid::definitions {

namespace {

Read<std::string> the_version(const std::string& text) {
  if (text != "1") return std::unexpected(in_quotes(text) + " is not known here; this postmultid reads version 1");
  return text;
}

Supervise supervise_of(Reader& reader, Complaints& complaints) {
  const Node* node = reader.find("supervise");
  return node ? decode_supervise(*node, complaints) : Supervise{};
}

std::vector<std::string> reload_on(Reader& reader) {
  std::vector<std::string> paths;
  for (const Name& path : reader.texts("reload_on", absolute_path).value_or(std::vector<Name>{}))
    paths.push_back(path.text);
  return paths;
}

void decode_defaults(const Node& node, Definition& definition, Complaints& complaints) {
  Reader reader(node, "defaults", complaints);
  definition.default_configuration = decode_configuration(reader, complaints);
  definition.defaults = supervise_of(reader, complaints);
  reader.finish();
}

/// These are the keys of both kinds of instances.
Instance instance_of(Reader& reader, Name name, Complaints& complaints) {
  Instance instance{.name = std::move(name)};
  instance.configuration = decode_configuration(reader, complaints);
  instance.reload_on = reload_on(reader);
  instance.supervise = supervise_of(reader, complaints);
  return instance;
}

Instance decode_primary(const Node& node, Complaints& complaints) {
  Reader reader(node, "primary", complaints);
  Instance primary = instance_of(reader, {"-", node.place}, complaints);
  for (auto [key, why] : {std::pair{"enabled", "the primary cannot be disabled"},
                          std::pair{"directories", "the primary's stay where they are"}})
    if (const Entry* entry = node.find(key); entry && reader.find(key))
      reader.complain(entry->place, std::string(key) + ": is for other instances; " + why);
  reader.finish();
  return primary;
}

Directories decode_directories(const Node& node, const Name& instance, Complaints& complaints) {
  Reader reader(node, "directories", complaints);
  Directories directories;
  directories.config = reader.placed("config", private_directory);
  directories.queue = reader.placed("queue", private_directory);
  directories.data = reader.placed("data", private_directory);
  if (instance.text.starts_with('/') && !directories.config.text.empty())
    reader.complain(directories.config.place, "config: the instance's name says it already");
  reader.finish();
  return directories;
}

Instance decode_instance(const Node& node, Complaints& complaints) {
  Reader reader(node, "an instance", complaints);
  Instance instance = instance_of(reader, reader.name(instance_name), complaints);
  instance.enabled = reader.value("enabled", yes_or_no);
  if (const Node* directories = reader.find("directories"))
    instance.directories = decode_directories(*directories, instance.name, complaints);
  reader.finish();
  return instance;
}

Group decode_group(const Node& node, Complaints& complaints) {
  Reader reader(node, "a group", complaints);
  Group group;
  group.name = reader.name(group_name);
  group.members = reader.texts("members", member_name).value_or(std::vector<Name>{});
  group.parallel = reader.value("parallel", yes_or_no).value_or(false);
  group.required = reader.value("required", yes_or_no).value_or(false);
  group.supervise = supervise_of(reader, complaints);
  reader.finish();
  return group;
}

Roles decode_roles(const Node& node, Complaints& complaints) {
  Reader reader(node, "roles", complaints);
  Roles roles;
  using enum model::Role;
  for (model::Role role : {monitor, viewer, operator_, admin})
    if (auto who = reader.texts(model::to_word(role), account)) roles[role] = std::move(*who);
  reader.finish();
  return roles;
}

Daemon decode_daemon(const Node& node, Complaints& complaints) {
  Reader reader(node, "daemon", complaints);
  Daemon daemon;
  daemon.postfix_commands = reader.value("postfix_commands", absolute_path).value_or("");
  std::vector<std::pair<std::string, std::string>> levels;
  for (const char* level : {"error", "warning", "notice", "info", "debug"}) levels.emplace_back(level, level);
  daemon.log_level = reader.value("log_level", one_of(levels)).value_or("");
  if (const Node* roles = reader.find("roles")) daemon.roles = decode_roles(*roles, complaints);
  daemon.listen = reader.value("listen", loopback);
  reader.finish();
  return daemon;
}

}  // namespace

Supervise decode_supervise(const Node& node, Complaints& complaints) {
  Reader reader(node, "supervise", complaints);
  Supervise supervise;
  supervise.restart = reader.value(
      "restart",
      one_of<Restart>({{"on-failure", Restart::on_failure}, {"always", Restart::always}, {"never", Restart::never}}));
  supervise.on_unhealthy = reader.value(
      "on_unhealthy", one_of<OnUnhealthy>({{"ignore", OnUnhealthy::ignore}, {"restart", OnUnhealthy::restart}}));
  supervise.on_upgrade = reader.value(
      "on_upgrade", one_of<OnUpgrade>({{"rolling-restart", OnUpgrade::rolling_restart}, {"flag", OnUpgrade::flag}}));
  supervise.restart_delay = reader.value("restart_delay", duration);
  supervise.restart_delay_max = reader.value("restart_delay_max", duration_above_zero);
  supervise.stable_after = reader.value("stable_after", duration);
  supervise.start_limit = reader.value("start_limit", [](const auto& text) { return whole_number(text, 1, 1000); });
  supervise.start_limit_interval = reader.value("start_limit_interval", duration_above_zero);
  supervise.retry_failed = reader.value("retry_failed", duration_or_never);
  supervise.start_timeout = reader.value("start_timeout", duration_above_zero);
  supervise.stop_timeout = reader.value("stop_timeout", duration_above_zero);
  supervise.stop_grace = reader.value("stop_grace", duration);
  supervise.orphan_grace = reader.value("orphan_grace", duration);
  supervise.memory_max = reader.value("memory_max", memory_limit);
  supervise.tasks_max = reader.value("tasks_max", task_limit);
  supervise.cpu_weight = reader.value("cpu_weight", [](const auto& text) { return whole_number(text, 1, 10000); });
  if (supervise.restart_delay && supervise.restart_delay_max && *supervise.restart_delay > *supervise.restart_delay_max)
    reader.complain(node.find("restart_delay")->value.place, "restart_delay is longer than restart_delay_max");
  reader.finish();
  return supervise;
}

Definition decode(const Node& root, Complaints& complaints) {
  Reader reader(root, "the definition", complaints);
  Definition definition;
  reader.value("version", the_version);
  for (const Node& group : reader.items("groups")) definition.groups.push_back(decode_group(group, complaints));
  if (const Node* node = reader.find("defaults")) decode_defaults(*node, definition, complaints);
  if (const Node* node = reader.find("primary")) definition.primary = decode_primary(*node, complaints);
  for (const Node& instance : reader.items("instances"))
    definition.instances.push_back(decode_instance(instance, complaints));
  for (const Node& companion : reader.items("companions"))
    definition.companions.push_back(decode_companion(companion, complaints));
  if (const Node* node = reader.find("daemon")) definition.daemon = decode_daemon(*node, complaints);
  reader.finish();
  return definition;
}

}  // namespace postmultid::definitions
