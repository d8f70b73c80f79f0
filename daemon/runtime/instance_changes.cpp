#include "runtime/instance_changes.hpp"

#include <algorithm>

#include "host/offload.hpp"
#include "model/selection.hpp"
#include "postfix/lifecycle.hpp"

namespace postmultid::runtime {

using model::ChangeAction;
using model::InstanceChange;
using model::InstanceChanged;
using model::Problem;

namespace {

template <typename T>
using Answer = std::expected<T, Problem>;

std::unexpected<Problem> refused(std::string why) { return std::unexpected(Problem{"change-refused", std::move(why)}); }

std::unexpected<Problem> not_done(postfix::Unchanged unchanged) {
  if (unchanged.refused) return refused(std::move(unchanged.why));
  return std::unexpected(Problem{"change-failed", std::move(unchanged.why)});
}

/// An instance, by any of the ways to name one.
Answer<const model::Member*> named(const model::Status& status, const std::string& name) {
  auto id = model::find(status, name);
  if (!id) return std::unexpected(id.error());
  auto member = std::ranges::find(status.members, *id, &model::Member::id);
  if (member->kind == model::Kind::companion)
    return refused(id->text + " is no Postfix instance: its place is in the definition file");
  return &*member;
}

Answer<postfix::Instance> listed(const std::vector<postfix::Listed>& present, const model::Member& member) {
  auto is_that = [&](const postfix::Listed& one) { return one.instance.config_directory == member.config_directory; };
  auto found = std::ranges::find_if(present, is_that);
  if (found == present.end()) return refused(member.id.text + " is none of Postfix's list any more");
  postfix::Instance instance = found->instance;
  instance.id = member.id;  // as it is called here
  return instance;
}

/// Empty: it is down, and is to stay so.
std::string still_up(const model::Member& member) {
  if (model::is_up(member.state) || member.desired == model::Desired::up)
    return member.id.text + " is " + model::to_word(member.state) +
           (model::is_up(member.state) ? "" : ", and wanted up") + ": pmctl stop " + member.id.text;
  return "";
}

Answer<postfix::Position> position(const model::Status& status, const InstanceChange& change) {
  using enum postfix::Position::Where;
  if (change.first) return postfix::Position{first, ""};
  const std::string& beside = change.before.empty() ? change.after : change.before;
  if (beside.empty()) return postfix::Position{};
  auto member = named(status, beside);
  if (!member) return std::unexpected(member.error());
  return postfix::Position{change.before.empty() ? after : before, (*member)->config_directory};
}

/// Who runs under an earlier name keeps it as his id until he is down.
std::string id_in_use(const model::Status& status, const std::string& name, const std::string& but_directory) {
  auto has_it = [&](const model::Member& one) {
    return one.id.text == name && one.name != name && one.config_directory != but_directory;
  };
  return std::ranges::any_of(status.members, has_it) ? "the name " + name + " is still that of one that runs" : "";
}

asio::awaitable<Answer<InstanceChanged>> add(postfix::Tools& tools, std::vector<postfix::Listed> present,
                                             std::shared_ptr<const model::Status> status, InstanceChange change) {
  auto place = position(*status, change);
  if (!place) co_return std::unexpected(place.error());
  postfix::NewInstance wanted{change.name.value_or(""), change.group.value_or(""), change.config_directory,
                              change.queue_directory,   change.data_directory,     std::move(*place)};
  if (std::string why = id_in_use(*status, wanted.name, ""); !why.empty()) co_return refused(std::move(why));
  wanted.config_directory = postfix::completed(wanted, present.front().instance).config_directory;
  InstanceChanged changed{change.action, {}, wanted.config_directory, {}, {}};
  postfix::Changed done;
  if (change.action == ChangeAction::create)
    done = co_await postfix::create(tools, std::move(present), std::move(wanted));
  else
    done = co_await postfix::import(tools, std::move(present), std::move(wanted));
  if (!done) co_return not_done(done.error());
  changed.steps = std::move(*done);
  co_return changed;
}

asio::awaitable<Answer<InstanceChanged>> assign(postfix::Tools& tools, std::vector<postfix::Listed> present,
                                                std::shared_ptr<const model::Status> status, InstanceChange change) {
  auto member = named(*status, change.instance);
  if (!member) co_return std::unexpected(member.error());
  auto target = listed(present, **member);
  if (!target) co_return std::unexpected(target.error());
  if (change.name)
    if (std::string why = id_in_use(*status, *change.name, target->config_directory); !why.empty())
      co_return refused(std::move(why));
  bool renamed = change.name && *change.name != target->name;
  auto done = co_await postfix::assign(tools, std::move(present), std::move(*target), change.name, change.group);
  if (!done) co_return not_done(done.error());
  if (renamed && model::is_up((*member)->state))
    done->push_back((*member)->id.text + " runs, so it is called so here and in its log until it has been stopped");
  InstanceChanged changed{change.action, {}, (*member)->config_directory, std::move(*done), {}};
  co_return changed;
}

asio::awaitable<Answer<InstanceChanged>> remove(postfix::Tools& tools, const postfix::QueueMounts& mounts,
                                                std::vector<postfix::Listed> present,
                                                std::shared_ptr<const model::Status> status, InstanceChange change) {
  auto member = named(*status, change.instance);
  if (!member) co_return std::unexpected(member.error());
  auto target = listed(present, **member);
  if (!target) co_return std::unexpected(target.error());
  if (std::string why = still_up(**member); !why.empty() && !target->primary) co_return refused(std::move(why));
  InstanceChanged changed{change.action, (*member)->id, (*member)->config_directory, {}, {}};
  if (change.action == ChangeAction::deport) {
    auto done = co_await postfix::deport(tools, std::move(present), std::move(*target));
    if (!done) co_return not_done(done.error());
    changed.steps = std::move(*done);
    co_return changed;
  }
  // Its mail would be on the disk that is not there.
  auto look = [&mounts, instance = *target] { return mounts.lacks_mount(instance); };
  auto lacking = co_await host::offload(tools.pool(), std::move(look));
  if (lacking) co_return refused(lacking->message);
  auto done = co_await postfix::destroy(tools, std::move(present), std::move(*target));
  if (!done) co_return not_done(done.error());
  changed.steps = std::move(done->steps);
  changed.left = std::move(done->left);
  co_return changed;
}

asio::awaitable<Answer<InstanceChanged>> init(postfix::Tools& tools, std::vector<postfix::Listed> present) {
  InstanceChanged changed{ChangeAction::init, {}, present.front().instance.config_directory, {}, {}};
  auto done = co_await postfix::init(tools, std::move(present));
  if (!done) co_return not_done(done.error());
  changed.steps = std::move(*done);
  co_return changed;
}

}  // namespace

asio::awaitable<Answer<InstanceChanged>> carry_out(postfix::Tools& tools, const postfix::QueueMounts& mounts,
                                                   std::vector<postfix::Listed> present,
                                                   std::shared_ptr<const model::Status> status, InstanceChange change) {
  using enum ChangeAction;
  switch (change.action) {
    case ChangeAction::init: return runtime::init(tools, std::move(present));
    case create:
    case import: return add(tools, std::move(present), std::move(status), std::move(change));
    case ChangeAction::assign: return runtime::assign(tools, std::move(present), std::move(status), std::move(change));
    case deport:
    case destroy: return remove(tools, mounts, std::move(present), std::move(status), std::move(change));
  }
  return runtime::init(tools, std::move(present));
}

const char* past(ChangeAction action) {
  switch (action) {
    case ChangeAction::init: return "initialized";
    case ChangeAction::create: return "created";
    case ChangeAction::import: return "imported";
    case ChangeAction::assign: return "assigned";
    case ChangeAction::deport: return "deported";
    case ChangeAction::destroy: return "destroyed";
  }
  return "";
}

}  // namespace postmultid::runtime
