// create, import, assign, deport, destroy, init: which instances there are, as postmulti(1) changes it.
#include <fmt/format.h>

#include "commands/commands.hpp"
#include "model/instance_change.hpp"

namespace postmultid::ctl {

using nlohmann::json;

namespace {

// A creation sets the permissions of a whole queue.
constexpr std::chrono::minutes kLongest{5};

Exit change(const Options& options, json wanted) {
  auto answer = Client(options.socket).post("/v1/instances", wanted, {}, kLongest);
  if (!answer) return complain(answer.error());
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
    return Exit::ok;
  }
  auto changed = answer->get<model::InstanceChanged>();
  for (const std::string& step : changed.steps) fmt::print("{:<9}  {:<14} {}\n", changed.action, changed.id, step);
  return Exit::ok;
}

void put(json& wanted, const char* key, const std::string& value) {
  if (!value.empty()) wanted[key] = value;
}

json fresh(const Options& options, const char* action) {
  json wanted{{"action", action}};
  const auto& names = options.selection.names;
  if (!names.empty()) wanted["name"] = names[0].starts_with("postfix-") ? names[0] : "postfix-" + names[0];
  put(wanted, "group", options.selection.group);
  put(wanted, "config_directory", options.config_directory);
  put(wanted, "queue_directory", options.queue_directory);
  put(wanted, "data_directory", options.data_directory);
  return wanted;
}

Exit of_one(const Options& options, const char* action) {
  if (options.selection.names.size() != 1)
    return complain({Exit::usage, fmt::format("which instance? pmctl {} ID", action)});
  return change(options, {{"action", action}, {"instance", options.selection.names[0]}});
}

}  // namespace

Exit create(const Options& options) {
  json wanted = fresh(options, "create");
  if (options.first) wanted["first"] = true;
  put(wanted, "before", options.before);
  return change(options, std::move(wanted));
}

Exit import(const Options& options) { return change(options, fresh(options, "import")); }

Exit assign(const Options& options) {
  if (options.selection.names.size() != 1) return complain({Exit::usage, "which instance? pmctl assign ID"});
  json wanted{{"action", "assign"}, {"instance", options.selection.names[0]}};
  if (options.new_name) wanted["name"] = *options.new_name == "-" ? "" : *options.new_name;
  if (options.new_group) wanted["group"] = *options.new_group == "-" ? "" : *options.new_group;
  return change(options, std::move(wanted));
}

Exit deport(const Options& options) { return of_one(options, "deport"); }

Exit destroy(const Options& options) { return of_one(options, "destroy"); }

Exit init_instances(const Options& options) { return change(options, {{"action", "init"}}); }

}  // namespace postmultid::ctl
