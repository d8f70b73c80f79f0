#include "definitions/decode.hpp"
#include "definitions/reader.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

std::map<std::string, std::string> environment(Reader& reader) {
  std::map<std::string, std::string> variables;
  const Node* map = reader.find("environment", Kind::map);
  if (!map) return variables;
  for (const auto& [name, place, value] : map->entries) {
    if (auto read = environment_name(name); !read) reader.complain(place, "environment: " + read.error());
    if (reader.is(value, Kind::text, in_quotes(name) + " in environment")) variables[name] = value.text;
  }
  return variables;
}

/// Which of the keys are there that say how a command is run.
std::vector<Name> command_keys(const Node& node) {
  std::vector<Name> written;
  for (const Entry& entry : node.entries)
    for (const char* key : {"user", "group", "environment", "directory", "stop_signal"})
      if (entry.key == key) written.push_back({key, entry.place});
  if (const Entry* supervise = node.find("supervise"))
    for (const Entry& entry : supervise->value.entries)
      for (const char* key : {"memory_max", "tasks_max", "cpu_weight"})
        if (entry.key == key) written.push_back({key, entry.place});
  return written;
}

}  // namespace

Companion decode_companion(const Node& node, Complaints& complaints) {
  Reader reader(node, "a companion", complaints);
  Companion companion;
  companion.name = reader.name(companion_name);
  companion.unit = reader.placed("unit", unit_name);
  companion.command = reader.command("command");
  companion.command_keys = command_keys(node);
  companion.user = reader.value("user", filled_text).value_or("");
  companion.group = reader.value("group", filled_text).value_or("");
  companion.environment = environment(reader);
  companion.directory = reader.value("directory", absolute_path).value_or("/");
  companion.ready = reader.value("ready", endpoint);
  companion.stop_signal = reader.value("stop_signal", signal_to_stop_by).value_or(companion.stop_signal);
  if (const Node* supervise = reader.find("supervise")) companion.supervise = decode_supervise(*supervise, complaints);
  reader.finish();
  return companion;
}

}  // namespace postmultid::definitions
