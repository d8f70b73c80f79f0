// Making instances, and taking them out of Postfix's list: what postmulti does, one change at a time, and where that would be
// safe to do.
#include <algorithm>
#include <filesystem>

#include "host/log.hpp"
#include "host/offload.hpp"
#include "model/selection.hpp"
#include "postfix/lifecycle.hpp"
#include "runtime/shell.hpp"

namespace postmultid::runtime {

using model::InstanceChange;
using model::InstanceChanged;
using model::MemberId;
using model::Problem;
using model::Result;

namespace {

Problem not_changed(const std::string& why) { return {"not-changed", why + "; nothing was changed"}; }

/// The instance of that id, as Postfix lists it.
const postfix::Instance* find(const std::vector<postfix::Listed>& listed, const std::string& config_directory) {
  auto found = std::ranges::find_if(
      listed, [&](const postfix::Listed& each) { return each.instance.config_directory == config_directory; });
  return found == listed.end() ? nullptr : &found->instance;
}

/// Where a new one is put: behind all, before all, or before one of them.
std::vector<std::string> placed(std::vector<std::string> secondaries, const std::string& fresh, bool first,
                                const std::string& before) {
  std::erase(secondaries, fresh);
  auto at = first ? secondaries.begin() : std::ranges::find(secondaries, before);
  secondaries.insert(at, fresh);
  return secondaries;
}

}  // namespace

/// Who is meant, where there has to be somebody, and may be changed so.
Shell::Answer<MemberId> Shell::whom(const InstanceChange& wanted) {
  auto id = model::find(*status(), wanted.instance);
  if (!id) return std::unexpected(id.error());
  const supervision::Machine* machine = fleet_.find(*id);
  if (!machine || machine->spec().companion)
    return std::unexpected(not_changed(id->text + " is no instance of Postfix"));
  bool leaves = wanted.action == "deport" || wanted.action == "destroy";
  if (leaves && machine->spec().primary)
    return std::unexpected(not_changed("the primary instance cannot be taken out: all others hang on it"));
  if (leaves && (machine->state() != model::State::stopped && machine->state() != model::State::failed))
    return std::unexpected(
        not_changed(id->text + " is " + model::to_word(machine->state()) + ": pmctl stop " + id->text + " first"));
  return *id;
}

asio::awaitable<Shell::Answer<InstanceChanged>> Shell::change_instances(InstanceChange wanted, model::Requester by) {
  std::optional<Problem> refused;
  if (fleet_.shutting_down()) refused = Problem{"stopping", "all members are being stopped; nothing was changed"};
  if (!changing_.empty()) refused = Problem{"busy", changing_ + "; nothing was changed by this request"};
  if (refused) co_return std::unexpected(std::move(*refused));
  struct Alone {
    std::string& who;
    ~Alone() { who.clear(); }
  } alone{changing_};
  changing_ = "uid " + std::to_string(by.uid) + " (pid " + std::to_string(by.pid) + ") changes instances just now";

  InstanceChanged changed{wanted.action, "", {}};
  auto done = co_await change_now(wanted, changed);
  if (!done) co_return std::unexpected(done.error());
  std::string steps;
  for (const std::string& step : changed.steps) steps += (steps.empty() ? "" : "; ") + step;
  note(changed.id, wanted.action, steps, model::EventKind::configuration);
  auto read = co_await reread();
  if (!read) host::log(host::Level::warning, "inventory: " + read.error().message);
  co_return changed;
}

asio::awaitable<Shell::Answer<void>> Shell::change_now(const InstanceChange& wanted, InstanceChanged& changed) {
  Result<void> done;
  if (wanted.action == "init") {
    changed.id = "-";
    done = co_await postfix::initialize_instances(tools_);
    changed.steps.push_back("multi_instance_enable = yes in the primary's main.cf, and a multi_instance_wrapper");
  } else if (wanted.action == "create" || wanted.action == "import") {
    done = co_await add_instance(wanted, changed);
  } else {
    auto id = whom(wanted);
    if (!id) co_return std::unexpected(id.error());
    changed.id = id->text;
    done = co_await change_instance(*id, wanted, changed);
  }
  if (done) co_return Answer<void>{};
  Problem failed = not_changed(done.error().message);
  co_return std::unexpected(std::move(failed));
}

asio::awaitable<Result<void>> Shell::add_instance(const InstanceChange& wanted, InstanceChanged& changed) {
  auto primary = co_await postfix::read_primary(tools_);
  if (!primary) co_return std::unexpected(primary.error());
  bool create = wanted.action == "create";
  std::string name = wanted.name.value_or("");
  if (create && name.empty() &&
      (wanted.config_directory.empty() || wanted.queue_directory.empty() || wanted.data_directory.empty()))
    co_return model::failure("an instance without a name needs its three directories: --config, --queue and --data");
  postfix::NewInstance fresh{name, wanted.group.value_or(""), wanted.config_directory, wanted.queue_directory,
                             wanted.data_directory};
  if (fresh.config_directory.empty() && !name.empty())
    fresh.config_directory = std::filesystem::path(primary->config_directory).parent_path() / name;
  if (fresh.config_directory.empty()) co_return model::failure("which configuration directory? --config DIR");
  std::string before;
  if (!wanted.before.empty()) {
    auto id = model::find(*status(), wanted.before);
    if (!id) co_return model::failure(id.error().detail);
    model::Member member;
    wards_.at(*id).driver->describe(member);
    before = member.config_directory;
    if (std::ranges::find(primary->secondaries, before) == primary->secondaries.end())
      co_return model::failure(id->text + " is not in multi_instance_directories");
  }
  for (const auto& [id, of] : wards_) {
    if (!name.empty() && id.text == name) co_return model::failure("there is an instance " + name + " already");
    model::Member member;
    of.driver->describe(member);
    if (!fresh.queue_directory.empty() && member.queue_directory == fresh.queue_directory)
      co_return model::failure(fresh.queue_directory + " is the queue of " + id.text);
  }
  Result<void> done;
  if (create)
    done = co_await postfix::create_instance(tools_, fresh);
  else
    done = co_await postfix::import_instance(tools_, fresh);
  if (!done) co_return done;
  changed.id = name.empty() ? fresh.config_directory : name;
  changed.steps.push_back(wanted.action + "d " + fresh.config_directory);
  if (!create) changed.steps.back() = "imported " + fresh.config_directory;
  if (create)
    changed.steps.push_back(
        "its services are off (master_service_disable = inet, authorized_submit_users =) and it is not enabled");
  if (wanted.first || !before.empty()) {
    auto order = placed(primary->secondaries, fresh.config_directory, wanted.first, before);
    done = co_await postfix::set_instance_order(tools_, std::move(order));
    if (done) changed.steps.push_back(wanted.first ? "the first of all" : "before " + wanted.before);
  }
  co_return done;
}

asio::awaitable<Result<void>> Shell::change_instance(MemberId id, const InstanceChange& wanted,
                                                     InstanceChanged& changed) {
  model::Member member;
  wards_.at(id).driver->describe(member);
  std::string directory = member.config_directory;
  if (wanted.action == "assign") {
    if (!wanted.name && !wanted.group) co_return model::failure("a new --name or --group has to be said");
    for (const auto& [other, of] : wards_)
      if (wanted.name && other.text == *wanted.name && other != id)
        co_return model::failure("there is an instance " + other.text + " already");
    auto done = co_await postfix::assign_instance(tools_, directory, wanted.name, wanted.group);
    if (wanted.name) changed.steps.push_back("multi_instance_name = " + *wanted.name);
    if (wanted.group) changed.steps.push_back("multi_instance_group = " + *wanted.group);
    if (wanted.name && wards_.contains(id) && wards_.at(id).charge)
      changed.steps.push_back("it runs: it keeps the name " + id.text + ", also in the log, until it is restarted");
    co_return done;
  }
  auto found = co_await wards_.at(id).driver->find();
  if (!found) co_return model::failure(found.error().message);
  if (*found) co_return model::failure("a master of " + id.text + " runs; it was started by somebody else just now");
  if (wanted.action == "deport") {
    auto done = co_await postfix::deport_instance(tools_, directory);
    changed.steps.push_back("taken out of multi_instance_directories; its files and its queue stay");
    co_return done;
  }
  auto listed = co_await inventory_.read();
  if (!listed) co_return std::unexpected(listed.error());
  const postfix::Instance* instance = postmultid::runtime::find(*listed, directory);
  if (!instance || instance->queue_directory.empty())
    co_return model::failure("its queue_directory is not known, so nobody can say whether there is mail");
  auto left = co_await postfix::destroy_instance(tools_, *instance);
  if (!left) co_return std::unexpected(left.error());
  changed.steps.push_back("there was no mail in " + instance->queue_directory);
  changed.steps.push_back("taken out of multi_instance_directories and removed");
  for (const std::string& path : *left) changed.steps.push_back("left, because it is not Postfix's own: " + path);
  co_return Result<void>{};
}

}  // namespace postmultid::runtime
