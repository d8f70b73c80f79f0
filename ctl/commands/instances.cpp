// create, import, assign, deport, destroy, init: postmulti's -e, through the daemon.
#include <fmt/format.h>

#include <map>

#include "commands/commands.hpp"
#include "model/instance_change.hpp"

namespace postmultid::ctl {

using model::ChangeAction;
using nlohmann::json;

namespace {

// Others who change the instances are waited for, and Postfix's own tools wait for each main.cf to be two seconds old.
constexpr std::chrono::minutes kLongest{5};

Exit change(const Options& options, const model::InstanceChange& wanted) {
  // What was heard is not asked for twice: the second answer would be about the first.
  Client::Heard heard = []() -> Result<std::optional<json>> {
    return std::unexpected(
        Trouble{Exit::failed, "postmultid was gone before it answered: pmctl list shows whether it has done it"});
  };
  auto answer = Client(options.socket).post("/v1/instances", wanted, heard, kLongest);
  if (!answer) return complain(answer.error());
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
    return Exit::ok;
  }
  auto changed = answer->get<model::InstanceChanged>();
  if (changed.steps.empty()) fmt::print("-     {}  nothing to do\n", changed.instance.text);
  for (const std::string& step : changed.steps) fmt::print("done  {}\n", step);
  for (const std::string& path : changed.left) fmt::print("left  {}\n", path);
  return Exit::ok;
}

/// As postmulti has it: "-" clears.
std::optional<std::string> cleared_by_dash(std::optional<std::string> value) {
  if (value == "-") value = "";
  return value;
}

/// "queue_directory=/srv/x", as postmulti takes them; else the new name. Says what is wrong with a word; empty: nothing.
std::string take(const std::string& word, model::InstanceChange& wanted) {
  const std::map<std::string, std::string*> directories{{"config_directory", &wanted.config_directory},
                                                        {"queue_directory", &wanted.queue_directory},
                                                        {"data_directory", &wanted.data_directory}};
  auto equals = word.find('=');
  if (equals == std::string::npos) {
    if (wanted.name) return "one name is enough: " + word;
    wanted.name = word;
    return "";
  }
  auto found = directories.find(word.substr(0, equals));
  if (found == directories.end())
    return word + ": only config_directory=, queue_directory= and data_directory= can be given";
  *found->second = word.substr(equals + 1);
  return "";
}

}  // namespace

Exit create(const Options& options) {
  model::InstanceChange wanted = options.change;
  wanted.action = ChangeAction::create;
  for (const std::string& word : options.words)
    if (std::string wrong = take(word, wanted); !wrong.empty()) return complain({Exit::usage, wrong});
  return change(options, wanted);
}

Exit import(const Options& options) {
  model::InstanceChange wanted = options.change;
  wanted.action = ChangeAction::import;
  return change(options, wanted);
}

Exit assign(const Options& options) {
  model::InstanceChange wanted = options.change;
  wanted.action = ChangeAction::assign;
  wanted.name = cleared_by_dash(wanted.name);
  wanted.group = cleared_by_dash(wanted.group);
  return change(options, wanted);
}

Exit deport(const Options& options) {
  model::InstanceChange wanted = options.change;
  wanted.action = ChangeAction::deport;
  return change(options, wanted);
}

Exit destroy(const Options& options) {
  model::InstanceChange wanted = options.change;
  wanted.action = ChangeAction::destroy;
  return change(options, wanted);
}

Exit init(const Options& options) { return change(options, {}); }

}  // namespace postmultid::ctl
