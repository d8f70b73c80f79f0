#include "postfix/lifecycle.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "host/atomic_file.hpp"
#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "postfix/at_rest.hpp"
#include "postfix/footprint.hpp"
#include "postfix/removal.hpp"
#include "postfix/settings.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

// Postfix's tools read no main.cf that is younger than two seconds, and set-permissions reads several.
constexpr std::chrono::minutes kScriptLimit{2};
const std::string kList = "multi_instance_directories", kAlternate = "alternate_config_directories";
const std::string kName = "multi_instance_name", kGroup = "multi_instance_group";
const std::string kWrapper = "multi_instance_wrapper", kEnable = "multi_instance_enable";

std::unexpected<Unchanged> refused(std::string why) { return std::unexpected(Unchanged{std::move(why), true}); }
std::unexpected<Unchanged> failed(std::string why) { return std::unexpected(Unchanged{std::move(why), false}); }

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& each : list) text += (text.empty() ? "" : " ") + each;
  return text;
}

std::string setting(const std::string& name, const std::string& value) {
  return value.empty() ? name + " =" : name + " = " + value;
}

/// Parameters of a main.cf, each with its value, expanded.
asio::awaitable<Result<std::map<std::string, std::string>>> ask(Tools& tools, std::string directory,
                                                                std::vector<std::string> names) {
  auto question = words("-xc", directory);
  question.insert(question.end(), names.begin(), names.end());
  auto answer = co_await tools.postconf(std::move(question));
  if (!answer) co_return std::unexpected(answer.error().within(directory));
  co_return parse_parameters(*answer);
}

/// For a main.cf that postconf has just put there whole.
asio::awaitable<void> let_nobody_wait(Tools& tools, std::vector<std::string> directories) {
  auto make_older = [directories] {
    for (const std::string& directory : directories) host::make_older(directory + "/main.cf", kNobodyWaits);
    return true;
  };
  co_await host::offload(tools.pool(), std::move(make_older));
}

/// Edits a main.cf, all at once.
asio::awaitable<Result<void>> edit(Tools& tools, std::string directory, std::vector<std::string> settings) {
  auto command = words("-c", directory, "-e");
  command.insert(command.end(), settings.begin(), settings.end());
  auto done = co_await tools.postconf(std::move(command));
  if (!done) co_return std::unexpected(done.error().within(directory + "/main.cf"));
  co_await let_nobody_wait(tools, words(directory));
  co_return Result<void>{};
}

/// The list, and with it the directories that others than the list's may name with -c.
asio::awaitable<Result<Steps>> list(Tools& tools, std::string primary, std::vector<std::string> directories,
                                    std::string gone, bool as_alternate) {
  auto before = co_await ask(tools, primary, words(kAlternate));
  if (!before) co_return std::unexpected(before.error());
  auto alternates = split_words((*before)[kAlternate]), kept = alternates;
  std::erase(kept, gone);
  if (as_alternate) kept.push_back(gone);
  auto settings = words(setting(kList, joined(directories)));
  if (kept != alternates) settings.push_back(setting(kAlternate, joined(kept)));
  Steps steps;
  for (const std::string& each : settings) steps.push_back(primary + "/main.cf: " + each);
  auto done = co_await edit(tools, primary, std::move(settings));
  if (!done) co_return std::unexpected(done.error());
  co_return steps;
}

struct Shared {
  std::string command_directory, daemon_directory, meta_directory, shlib_directory, syslog_name;

  std::vector<std::string> directories() const {
    std::vector<std::string> list{command_directory, daemon_directory};
    if (shlib_directory.starts_with('/')) list.push_back(shlib_directory);
    return list;
  }
};

/// The primary as its script is to know it.
struct Primary {
  Shared shared;
  std::string unready;  // why nothing can be made beside it yet; empty: something can
};

asio::awaitable<std::expected<Primary, Unchanged>> ask_primary(Tools& tools, const Instance& primary) {
  auto asked = co_await ask(tools, primary.config_directory,
                            words("command_directory", "daemon_directory", "meta_directory", "shlib_directory",
                                  "syslog_name", kWrapper, kEnable));
  if (!asked) co_return refused("the primary cannot be read: " + asked.error().message);
  auto& p = *asked;
  Primary found{
      {p["command_directory"], p["daemon_directory"], p["meta_directory"], p["shlib_directory"], p["syslog_name"]}, ""};
  // As its script means it, to the letter.
  if (p[kWrapper].empty() || p[kEnable] != "yes")
    found.unready = primary.config_directory + "/main.cf: " + setting(kWrapper, p[kWrapper]) + ", " +
                    setting(kEnable, p[kEnable]) + ": not made ready for instances yet: pmctl init";
  co_return found;
}

/// postmulti's own script, by its contract with postmulti, which is written at its top. postmulti itself would read all siblings
/// first.
asio::awaitable<Result<void>> run_script(Tools& tools, Shared shared, std::string primary, std::string action,
                                         NewInstance target, std::vector<std::string> directories) {
  auto command = words("/usr/bin/env", "PATH=" + shared.command_directory + ":/usr/sbin:/usr/bin:/sbin:/bin",
                       shared.daemon_directory + "/postmulti-script", "-e", action);
  auto environment =
      words("MAIL_CONFIG=" + primary, "MAIL_LOGTAG=" + shared.syslog_name,
            "command_directory=" + shared.command_directory, "daemon_directory=" + shared.daemon_directory,
            "meta_directory=" + shared.meta_directory, "shlib_directory=" + shared.shlib_directory,
            "config_directory=" + target.config_directory, "queue_directory=" + target.queue_directory,
            "data_directory=" + target.data_directory, kList + "=" + joined(directories));
  if (!target.name.empty()) environment.push_back(kName + "=" + target.name);
  if (!target.group.empty()) environment.push_back(kGroup + "=" + target.group);
  auto ended = co_await host::within(kScriptLimit, tools.run(std::move(command), std::move(environment)));
  if (!ended) co_return model::failure("postmulti-script did not end within two minutes");
  if (!*ended) co_return std::unexpected((*ended).error());
  if ((*ended)->ok()) {
    co_await let_nobody_wait(tools, words(primary, target.config_directory));
    co_return Result<void>{};
  }
  auto understand = [output = (*ended)->output] { return reason_in(output); };
  std::string reason = co_await host::offload(tools.pool(), std::move(understand));
  co_return model::failure("postmulti-script -e " + action + ": " + (reason.empty() ? "failed" : reason));
}

/// Whether main.cf, and whether master.cf is there.
struct Files {
  bool main = false, master = false;

  bool both() const { return main && master; }
};

Files files_in(const std::string& directory) {
  std::error_code error;
  return {std::filesystem::is_regular_file(directory + "/main.cf", error),
          std::filesystem::is_regular_file(directory + "/master.cf", error)};
}

/// Of one that is there the directories are what its own files say, and what was said otherwise has to be the same. Empty: it is.
std::string adopt(const std::string& what, const std::string& value, std::string& said) {
  bool contrary = !said.empty() && said != value;
  said = value;
  return contrary ? "its main.cf is there, and says " + setting(what, value) : "";
}

/// With the name and the group that it has, where none is given.
asio::awaitable<std::expected<NewInstance, Unchanged>> as_it_is(Tools& tools, NewInstance wanted) {
  auto asked = co_await ask(tools, wanted.config_directory, words("queue_directory", "data_directory", kName, kGroup));
  if (!asked) co_return refused(asked.error().message);
  auto& p = *asked;
  std::string contrary = adopt("queue_directory", p["queue_directory"], wanted.queue_directory) +
                         adopt("data_directory", p["data_directory"], wanted.data_directory);
  if (!contrary.empty()) co_return refused(wanted.config_directory + ": " + contrary);
  if (wanted.name.empty()) wanted.name = p[kName];
  if (wanted.group.empty()) wanted.group = p[kGroup];
  co_return wanted;
}

/// The script's work, undone where it fails.
asio::awaitable<Changed> make(Tools& tools, std::vector<Listed> present, NewInstance wanted, Shared shared,
                              std::string action, bool files_are_there) {
  std::string primary = present.front().instance.config_directory, directory = wanted.config_directory;
  auto look = [wanted] { return Footprint(wanted); };
  auto footprint = co_await host::offload(tools.pool(), std::move(look));
  auto list_before = co_await Settings::read(tools, primary, words(kList, kAlternate));
  if (!list_before) co_return refused(list_before.error().message);
  std::optional<Settings> names_before;
  if (files_are_there) {
    auto read = co_await Settings::read(tools, directory, words(kName, kGroup));
    if (!read) co_return refused(read.error().message);
    names_before = std::move(*read);
  }
  auto directories = with(wanted, present);
  auto done = co_await run_script(tools, std::move(shared), primary, action, wanted, directories);
  if (done) {
    Steps steps;
    if (files_are_there)
      steps.push_back(directory + " is taken as it is");
    else
      steps.push_back("made " + directory + " with main.cf and master.cf, " + wanted.queue_directory + ", " +
                      wanted.data_directory);
    if (!wanted.name.empty()) steps.push_back(directory + "/main.cf: " + setting(kName, wanted.name));
    if (!wanted.group.empty()) steps.push_back(directory + "/main.cf: " + setting(kGroup, wanted.group));
    steps.push_back(primary + "/main.cf: " + setting(kList, joined(directories)));
    if (!files_are_there)
      steps.push_back("it is disabled, and serves no network port: " + directory +
                      "/main.cf: master_service_disable = inet");
    co_return steps;
  }
  std::string why = done.error().message, left;
  if (auto back = co_await list_before->put_back(tools); !back) left += "; " + back.error().message;
  if (names_before)
    if (auto back = co_await names_before->put_back(tools); !back) left += "; " + back.error().message;
  auto take_away = [footprint] { return footprint.take_away(); };
  auto remains = co_await host::offload(tools.pool(), std::move(take_away));
  for (const std::string& each : remains) left += "; " + each;
  co_return failed(why + (left.empty() ? "\nAll is as it was." : "\nThis could not be undone" + left));
}

/// What is to be made, complete, and what it is made of.
struct Intent {
  NewInstance wanted;
  bool files_are_there = false;
};

/// Refuses what cannot go well.
asio::awaitable<std::expected<Intent, Unchanged>> examine(Tools& tools, std::vector<Listed> present, Shared shared,
                                                          NewInstance wanted, bool import) {
  NewInstance complete = completed(wanted, present.front().instance);
  std::string directory = wanted.config_directory = complete.config_directory;
  auto look = [directory] { return files_in(directory); };
  Files files = co_await host::offload(tools.pool(), std::move(look));
  if (import && !files.both())
    co_return refused(directory + " has no " + (files.main ? "master.cf" : "main.cf") +
                      ": there is no instance to import; pmctl create makes one");
  if (files.both()) {
    auto there = co_await as_it_is(tools, wanted);
    if (!there) co_return std::unexpected(there.error());
    complete = std::move(*there);
  } else if (files.main || files.master) {  // the script would write over it
    co_return refused(directory +
                      (files.main ? "/main.cf is there without a master.cf" : "/master.cf is there without a main.cf") +
                      ", and would be lost: move it away");
  }
  auto check = [complete, present, directories = shared.directories(), there = files.both()] {
    std::string wrong = unfit(complete, present, directories);
    return wrong.empty() && !there ? unfit_place(complete, present, directories) : wrong;
  };
  std::string wrong = co_await host::offload(tools.pool(), std::move(check));
  if (!wrong.empty()) co_return refused(std::move(wrong));
  // Of one that is there only what is given is assigned.
  complete.name = wanted.name;
  complete.group = wanted.group;
  co_return Intent{std::move(complete), files.both()};
}

asio::awaitable<Changed> create_or_import(Tools& tools, std::vector<Listed> present, NewInstance wanted, bool import) {
  auto primary = co_await ask_primary(tools, present.front().instance);
  if (!primary) co_return std::unexpected(primary.error());
  if (!primary->unready.empty()) co_return refused(primary->unready);
  auto intent = co_await examine(tools, present, primary->shared, std::move(wanted), import);
  if (!intent) co_return std::unexpected(intent.error());
  co_return co_await make(tools, std::move(present), std::move(intent->wanted), std::move(primary->shared),
                          import ? "import" : "create", intent->files_are_there);
}

}  // namespace

asio::awaitable<Changed> init_settings(Tools& tools, std::vector<Listed> present) {
  auto asked = co_await ask(tools, present.front().instance.config_directory, words(kWrapper, kEnable));
  if (!asked) co_return refused("the primary cannot be read: " + asked.error().message);
  std::vector<std::string> settings;
  // One that is there is somebody's, and may be ours.
  if ((*asked)[kWrapper].empty()) settings.push_back(setting(kWrapper, "${command_directory}/postmulti -p --"));
  if ((*asked)[kEnable] != "yes") settings.push_back(setting(kEnable, "yes"));
  co_return settings;
}

asio::awaitable<Changed> init(Tools& tools, std::vector<Listed> present) {
  std::string primary = present.front().instance.config_directory;
  auto wanted = co_await init_settings(tools, std::move(present));
  if (!wanted) co_return wanted;
  std::vector<std::string> settings = std::move(*wanted);
  Steps steps;
  for (const std::string& each : settings) steps.push_back(primary + "/main.cf: " + each);
  if (steps.empty()) co_return steps;
  auto done = co_await edit(tools, primary, std::move(settings));
  if (!done) co_return failed(done.error().message);
  co_return steps;
}

asio::awaitable<Changed> create(Tools& tools, std::vector<Listed> present, NewInstance wanted) {
  return create_or_import(tools, std::move(present), std::move(wanted), false);
}

asio::awaitable<Changed> import(Tools& tools, std::vector<Listed> present, NewInstance wanted) {
  return create_or_import(tools, std::move(present), std::move(wanted), true);
}

asio::awaitable<std::optional<std::string>> why_not_made(Tools& tools, std::vector<Listed> present, NewInstance wanted,
                                                         bool import) {
  auto primary = co_await ask_primary(tools, present.front().instance);
  if (!primary) co_return primary.error().why;
  auto intent = co_await examine(tools, std::move(present), std::move(primary->shared), std::move(wanted), import);
  co_return intent ? std::nullopt : std::optional(intent.error().why);
}

asio::awaitable<Changed> assign(Tools& tools, std::vector<Listed> present, Instance target,
                                std::optional<std::string> name, std::optional<std::string> group) {
  if (name && !name->empty()) {
    std::string wrong = unfit_name(*name);
    if (wrong.empty()) wrong = taken_name(present, *name, target.config_directory);
    if (!wrong.empty()) co_return refused(std::move(wrong));
  }
  if (group)
    if (std::string wrong = unfit_group(*group); !wrong.empty()) co_return refused(std::move(wrong));
  std::vector<std::string> settings;
  if (name && *name != target.name) settings.push_back(setting(kName, *name));
  if (group && *group != target.group) settings.push_back(setting(kGroup, *group));
  Steps steps;
  for (const std::string& each : settings) steps.push_back(target.config_directory + "/main.cf: " + each);
  if (steps.empty()) co_return steps;
  auto done = co_await edit(tools, target.config_directory, std::move(settings));
  if (!done) co_return failed(done.error().message);
  co_return steps;
}

asio::awaitable<Changed> enable(Tools& tools, Instance target, bool enabled) {
  if (target.primary && !enabled) co_return refused("the primary stays enabled: postmulti manages nothing without it");
  auto asked = co_await ask(tools, target.config_directory, words(kEnable));
  if (asked && (*asked)[kEnable] == (enabled ? "yes" : "no")) co_return Steps{};
  auto done = co_await edit(tools, target.config_directory, words(setting(kEnable, enabled ? "yes" : "no")));
  if (!done) co_return failed(done.error().message);
  Steps steps = words(target.config_directory + "/main.cf: " + setting(kEnable, enabled ? "yes" : "no"));
  co_return steps;
}

asio::awaitable<Changed> reorder(Tools& tools, std::vector<Listed> present, std::vector<std::string> directories) {
  auto before = secondaries(present);
  if (directories == before) co_return Steps{};
  if (!std::ranges::is_permutation(directories, before))
    co_return refused("the instances are " + joined(before) + ", not " + joined(directories));
  std::string primary = present.front().instance.config_directory, list = setting(kList, joined(directories));
  auto done = co_await edit(tools, primary, words(list));
  if (!done) co_return failed(done.error().message);
  Steps steps = words(primary + "/main.cf: " + list);
  co_return steps;
}

namespace {

/// Why it cannot be taken from the set; empty: it can.
std::string stays(const Instance& target) {
  if (target.primary) return "the primary stays: all others hang on it";
  if (target.enabled) return target.id.text + " is enabled: pmctl disable " + target.id.text;
  return "";
}

/// Two may say that the same directory is theirs, or that one's is in the other's.
std::string shared_with(const Instance& target, const std::vector<Listed>& present) {
  auto all = [](const Instance& one) {
    std::vector<std::string> list;
    for (const std::string& path : {one.config_directory, one.queue_directory, one.data_directory})
      if (!path.empty()) list.push_back(canonical(path) + "/");
    return list;
  };
  auto own = all(target);
  for (const Listed& entry : present) {
    if (entry.instance.config_directory == target.config_directory) continue;
    for (const std::string& theirs : all(entry.instance))
      for (const std::string& path : own)
        if (theirs.starts_with(path)) return theirs + " is in use by " + entry.instance.id.text;
  }
  return "";
}

/// Down for as long as this lives, and without a place for mail.
struct Prepared {
  host::Fd lock;
  MailQueues queues;
};

Result<Prepared> prepare(const Instance& target, const std::vector<Listed>& present) {
  const std::string& queue = target.queue_directory;
  if (queue.empty())
    return model::failure("nobody knows where its queue is: " + target.config_directory +
                          "/main.cf cannot be read. Repair it, or: pmctl deport " + target.id.text);
  if (std::string why = shared_with(target, present); !why.empty()) return model::failure(std::move(why));
  auto lock = keep_down(target);
  if (!lock) return std::unexpected(lock.error());
  auto mail = mail_in(queue);
  if (!mail) return std::unexpected(mail.error());
  if (!mail->empty())
    return model::failure(queue + " holds mail: " + *mail +
                          ". Deliver it (pmctl start, flush), or remove it (postsuper -c " + target.config_directory +
                          " -d ALL)");
  auto queues = MailQueues::remove(queue);
  if (!queues) return std::unexpected(queues.error());
  return Prepared{std::move(*lock), std::move(*queues)};
}

}  // namespace

asio::awaitable<Changed> deport(Tools& tools, std::vector<Listed> present, Instance target) {
  if (std::string why = stays(target); !why.empty()) co_return refused(std::move(why));
  auto prove = [target] { return keep_down(target); };
  auto lock = co_await host::offload(tools.pool(), std::move(prove));
  if (!lock) co_return refused(lock.error().message);
  auto directories = secondaries(present);
  std::erase(directories, target.config_directory);
  auto done = co_await list(tools, present.front().instance.config_directory, std::move(directories),
                            target.config_directory, true);
  if (!done) co_return failed(done.error().message);
  co_return std::move(*done);
}

asio::awaitable<std::expected<Destroyed, Unchanged>> destroy(Tools& tools, std::vector<Listed> present,
                                                             Instance target) {
  if (std::string why = stays(target); !why.empty()) co_return refused(std::move(why));
  auto get_ready = [target, present] { return prepare(target, present); };
  auto ready = co_await host::offload(tools.pool(), std::move(get_ready));
  if (!ready) co_return refused(ready.error().message);
  auto directories = secondaries(present);
  std::erase(directories, target.config_directory);
  auto done = co_await list(tools, present.front().instance.config_directory, std::move(directories),
                            target.config_directory, false);
  if (!done) {
    auto put_back = [queues = ready->queues] {
      queues.put_back();
      return true;
    };
    co_await host::offload(tools.pool(), std::move(put_back));
    co_return failed(done.error().message);
  }
  auto remove = [target] { return remove_rest(target); };
  auto left = co_await host::offload(tools.pool(), std::move(remove));
  Destroyed destroyed{std::move(*done), std::move(left)};
  std::string all = target.config_directory + ", " + target.queue_directory + ", " + target.data_directory;
  destroyed.steps.push_back((destroyed.left.empty() ? "removed " : "removed what Postfix had made of ") + all);
  co_return destroyed;
}

}  // namespace postmultid::postfix
