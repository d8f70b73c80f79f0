#include "postfix/lifecycle.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "postfix/instance.hpp"
#include "postfix/remains.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

namespace fs = std::filesystem;

// set-permissions walks the queue's directories.
constexpr std::chrono::minutes kScriptLimit{2};

/// "/var/spool/postfix", "postfix-out": "/var/spool/postfix-out".
std::string sibling(const std::string& path, const std::string& name) { return fs::path(path).parent_path() / name; }

std::string joined(const std::vector<std::string>& directories) {
  std::string list;
  for (const std::string& each : directories) list += (list.empty() ? "" : " ") + each;
  return list;
}

/// The environment of postmulti-script, as its head describes it; of the target what is not empty.
std::vector<std::string> script_environment(const Primary& primary, const NewInstance& target,
                                            const std::vector<std::string>& secondaries) {
  std::vector<std::string> list;
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) list.push_back(std::string(name) + "=" + value);
  };
  add("MAIL_CONFIG", primary.config_directory);
  add("MAIL_LOGTAG", "postfix");
  add("command_directory", primary.command_directory);
  add("daemon_directory", primary.daemon_directory);
  add("meta_directory", primary.meta_directory);
  add("shlib_directory", primary.shlib_directory);
  add("config_directory", target.config_directory);
  add("queue_directory", target.queue_directory);
  add("data_directory", target.data_directory);
  add("multi_instance_name", target.name);
  add("multi_instance_group", target.group);
  list.push_back("multi_instance_directories=" + joined(secondaries));
  return list;
}

asio::awaitable<Result<void>> run_script(Tools& tools, Primary primary, NewInstance target,
                                         std::vector<std::string> secondaries, std::string action) {
  auto argv = words(primary.daemon_directory + "/postmulti-script", "-e", action);
  auto environment = script_environment(primary, target, secondaries);
  auto ended = co_await host::within(kScriptLimit, tools.run(std::move(argv), std::move(environment)));
  std::string what = "postmulti-script -e " + action;
  if (!ended) co_return model::failure(what + " did not end within 2 minutes");
  if (!*ended) co_return std::unexpected((*ended).error());
  if ((*ended)->ok()) co_return Result<void>{};
  co_return model::failure(what + ": " + reason_in((*ended)->output));
}

/// What a script that was cut off in the middle has left in the configuration directory.
void remove_unfinished(const std::string& config_directory) {
  std::error_code ignored;
  for (const char* file : {"/.tmp/main.cf", "/.tmp/master.cf"}) fs::remove(config_directory + file, ignored);
}

std::string still_there(const NewInstance& target) {
  std::string left;
  std::error_code error;
  for (const std::string* directory : {&target.config_directory, &target.queue_directory, &target.data_directory})
    if (!directory->empty() && fs::exists(*directory, error)) left += (left.empty() ? "" : ", ") + *directory;
  return left;
}

asio::awaitable<Result<void>> take_away(Tools& tools, Primary primary, NewInstance target) {
  std::erase(primary.secondaries, target.config_directory);
  auto look = [file = target.config_directory + "/main.cf"] {
    std::error_code error;
    return fs::exists(file, error);
  };
  bool made = co_await host::offload(tools.pool(), std::move(look));
  Result<void> done;
  if (made) done = co_await run_script(tools, primary, target, primary.secondaries, "destroy");
  auto clean = [target] {
    remove_unfinished(target.config_directory);
    for (const std::string* directory : {&target.queue_directory, &target.data_directory, &target.config_directory})
      if (!directory->empty()) remove_empty(*directory);
    return still_there(target);
  };
  std::string left = co_await host::offload(tools.pool(), std::move(clean));
  if (done && !left.empty()) done = model::failure(left + " is not empty and stays");
  co_return done;
}

/// The primary knows of instances at all.
asio::awaitable<Result<void>> initialize(Tools& tools, const Primary& primary) {
  if (primary.enabled && !primary.wrapper.empty()) co_return Result<void>{};
  NewInstance nobody;
  std::vector<std::string> none;
  if (primary.wrapper.empty()) co_return co_await run_script(tools, primary, nobody, none, "init");
  // A wrapper that is there is not ours to replace.
  auto set = co_await tools.postconf(words("-c", primary.config_directory, "-e", "multi_instance_enable = yes"));
  if (!set) co_return std::unexpected(set.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> refuse_conflicts(Tools& tools, const Primary& primary, const NewInstance& wanted) {
  if (std::ranges::find(primary.secondaries, wanted.config_directory) != primary.secondaries.end())
    co_return model::failure(wanted.config_directory + " is in multi_instance_directories already");
  auto look = [wanted]() -> Result<void> {
    std::error_code error;
    for (const std::string* directory : {&wanted.queue_directory, &wanted.data_directory})
      if (fs::exists(*directory, error) && !fs::is_empty(*directory, error))
        return model::failure(*directory + " is there already, and not empty: whose is it?");
    return {};
  };
  co_return co_await host::offload(tools.pool(), std::move(look));
}

asio::awaitable<Result<void>> add_to_list(Tools& tools, NewInstance wanted, std::string action) {
  auto read = co_await read_primary(tools);
  if (!read) co_return std::unexpected(read.error());
  Primary primary = std::move(*read);
  bool create = action == "create";
  if (create && wanted.queue_directory.empty()) wanted.queue_directory = sibling(primary.queue_directory, wanted.name);
  if (create && wanted.data_directory.empty()) wanted.data_directory = sibling(primary.data_directory, wanted.name);
  Result<void> done;
  if (create) done = co_await refuse_conflicts(tools, primary, wanted);
  if (done) done = co_await initialize(tools, primary);
  if (!done) co_return done;
  auto secondaries = primary.secondaries;
  secondaries.push_back(wanted.config_directory);
  done = co_await run_script(tools, primary, wanted, std::move(secondaries), action);
  if (done || !create) co_return done;
  auto undone = co_await take_away(tools, primary, wanted);
  if (!undone) done = model::failure(done.error().message + "; and " + undone.error().message);
  co_return done;
}

}  // namespace

asio::awaitable<Result<Primary>> read_primary(Tools& tools) {
  auto directory = co_await tools.postconf(words("-h", "config_directory"));
  if (!directory) co_return std::unexpected(directory.error());
  Primary primary;
  primary.config_directory = directory->substr(0, directory->find('\n'));
  auto asked = words("-xc", primary.config_directory, "queue_directory", "data_directory", "command_directory",
                     "daemon_directory", "meta_directory", "shlib_directory", "multi_instance_wrapper",
                     "multi_instance_enable", "multi_instance_directories");
  auto output = co_await tools.postconf(std::move(asked));
  if (!output) co_return std::unexpected(output.error());
  auto p = parse_parameters(*output);
  primary.queue_directory = p["queue_directory"];
  primary.data_directory = p["data_directory"];
  primary.command_directory = p["command_directory"];
  primary.daemon_directory = p["daemon_directory"];
  primary.meta_directory = p["meta_directory"];
  primary.shlib_directory = p["shlib_directory"];
  primary.wrapper = p["multi_instance_wrapper"];
  primary.enabled = p["multi_instance_enable"] == "yes";
  primary.secondaries = split_words(p["multi_instance_directories"]);
  co_return primary;
}

asio::awaitable<Result<void>> create_instance(Tools& tools, NewInstance wanted) {
  return add_to_list(tools, std::move(wanted), "create");
}

asio::awaitable<Result<void>> import_instance(Tools& tools, NewInstance wanted) {
  return add_to_list(tools, std::move(wanted), "import");
}

asio::awaitable<Result<void>> undo_create(Tools& tools, std::string config_directory) {
  auto primary = co_await read_primary(tools);
  if (!primary) co_return std::unexpected(primary.error());
  auto output = co_await tools.postconf(words("-xc", config_directory, "queue_directory", "data_directory"));
  if (!output) co_return std::unexpected(output.error());
  auto p = parse_parameters(*output);
  NewInstance target;
  target.config_directory = std::move(config_directory);
  target.queue_directory = p["queue_directory"];
  target.data_directory = p["data_directory"];
  co_return co_await take_away(tools, std::move(*primary), std::move(target));
}

asio::awaitable<Result<void>> initialize_instances(Tools& tools) {
  auto primary = co_await read_primary(tools);
  if (!primary) co_return std::unexpected(primary.error());
  co_return co_await initialize(tools, *primary);
}

asio::awaitable<Result<void>> set_instance_order(Tools& tools, std::vector<std::string> directories) {
  auto primary = co_await read_primary(tools);
  if (!primary) co_return std::unexpected(primary.error());
  auto now = primary->secondaries, wanted = directories;
  std::ranges::sort(now);
  std::ranges::sort(wanted);
  if (now != wanted) co_return model::failure("multi_instance_directories was changed by somebody meanwhile");
  auto set = co_await tools.postconf(
      words("-c", primary->config_directory, "-e", "multi_instance_directories = " + joined(directories)));
  if (!set) co_return std::unexpected(set.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> assign_instance(Tools& tools, std::string config_directory,
                                              std::optional<std::string> name, std::optional<std::string> group) {
  auto edit = words("-c", std::move(config_directory), "-e");
  if (name) edit.push_back("multi_instance_name = " + *name);
  if (group) edit.push_back("multi_instance_group = " + *group);
  auto set = co_await tools.postconf(std::move(edit));
  if (!set) co_return std::unexpected(set.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> deport_instance(Tools& tools, std::string config_directory) {
  auto primary = co_await read_primary(tools);
  if (!primary) co_return std::unexpected(primary.error());
  NewInstance target;
  target.config_directory = std::move(config_directory);
  auto rest = primary->secondaries;
  std::erase(rest, target.config_directory);
  co_return co_await run_script(tools, *primary, target, std::move(rest), "deport");
}

asio::awaitable<Result<std::vector<std::string>>> destroy_instance(Tools& tools, Instance instance) {
  auto count = [queue = instance.queue_directory] { return mail_in(queue); };
  auto mail = co_await host::offload(tools.pool(), std::move(count));
  if (!mail) co_return std::unexpected(mail.error());
  if (!mail->empty())
    co_return model::failure("there is mail in " + instance.queue_directory + ": " + *mail +
                             "; let it be delivered (pmctl flush), or look at it: postqueue -c " +
                             instance.config_directory + " -p");
  auto primary = co_await read_primary(tools);
  if (!primary) co_return std::unexpected(primary.error());
  NewInstance target;
  target.config_directory = instance.config_directory;
  target.queue_directory = instance.queue_directory;
  target.data_directory = instance.data_directory;
  auto rest = primary->secondaries;
  std::erase(rest, target.config_directory);
  auto destroyed = co_await run_script(tools, *primary, target, std::move(rest), "destroy");
  if (!destroyed) co_return std::unexpected(destroyed.error());
  // It has been taken out of the list: who submits mail now is refused, so what is counted stays so.
  auto finish = [target]() -> Result<std::vector<std::string>> {
    auto left = remove_remains(target.queue_directory, target.data_directory);
    if (!left) return left;
    remove_empty(target.config_directory);
    std::error_code error;
    if (fs::exists(target.config_directory, error)) left->push_back(target.config_directory);
    return left;
  };
  co_return co_await host::offload(tools.pool(), std::move(finish));
}

}  // namespace postmultid::postfix
