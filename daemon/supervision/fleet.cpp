#include "supervision/fleet.hpp"

#include <algorithm>
#include <utility>

namespace postmultid::supervision {

using model::Desired;
using model::Outcome;

namespace {

/// Why a request does not concern this member; empty if it does.
std::string passed_over(const Requested& request, const MemberSpec& spec) {
  using enum model::Action;
  switch (request.action) {
    case start:
    case stop:
    case restart:
    case drain:
    case abort: return request.named || spec.enabled || spec.broken ? "" : "multi_instance_enable is not yes";
    case reload:
    case flush:
      if (spec.companion) return "is no Postfix instance: nothing to " + model::to_word(request.action);
      return request.named || spec.enabled || spec.broken ? "" : "multi_instance_enable is not yes";
    case disable:
      // postmulti would refuse to manage any instance afterwards, even to enable this one again.
      if (spec.primary) return "is the primary: postmulti needs it enabled";
      [[fallthrough]];
    case enable: return spec.companion ? "is no Postfix instance: its place is in the definition file" : "";
    case check:
    case reset_failed: return "";
  }
  return "";
}

}  // namespace

std::vector<MemberSpec> in_start_order(std::vector<MemberSpec> members, const std::vector<GroupSpec>& groups) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const GroupSpec& group : groups) add(group.name);
  for (const MemberSpec& member : members) add(member.group);
  auto rank = [&](const MemberSpec& member) {
    if (member.primary) return std::ptrdiff_t{-2};
    if (member.group.empty()) return std::ptrdiff_t{-1};
    return std::find(names.begin(), names.end(), member.group) - names.begin();
  };
  std::stable_sort(members.begin(), members.end(),
                   [&](const MemberSpec& a, const MemberSpec& b) { return rank(a) < rank(b); });
  return members;
}

std::vector<Action> Fleet::handle(const Event& event, Instant now) {
  std::vector<Action> actions;
  Context context{now, actions, last_attempt_, random_};
  std::visit([&](const auto& e) { on(e, context); }, event);
  roll(context);
  advance(context);
  roll(context);
  gate_.pass(actions, now);
  return actions;
}

std::vector<const Machine*> Fleet::members() const {
  std::vector<const Machine*> all;
  for (const auto& member : members_) all.push_back(member.get());
  return all;
}

const Machine* Fleet::find(const MemberId& id) const {
  auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m->spec().id == id; });
  return found == members_.end() ? nullptr : found->get();
}

void Fleet::on(const InventoryRead& inventory, Context& context) {
  if (shutting_down_) return;  // nothing is begun any more, and what runs is known
  Members old = std::exchange(members_, {});
  std::vector<Machine*> fresh;
  groups_ = inventory.groups;
  for (MemberSpec& spec : in_start_order(inventory.members, groups_)) {
    auto known = std::find_if(old.begin(), old.end(), [&](const auto& m) { return m && m->spec().id == spec.id; });
    if (known != old.end()) {
      members_.push_back(std::move(*known));
      members_.back()->respecify(std::move(spec), context);
    } else {
      members_.push_back(std::make_unique<Machine>(std::move(spec), context.now));
      fresh.push_back(members_.back().get());
    }
  }
  // Nobody lists it any more. While something of it runs it stays visible, at the end of the order, and is not started
  // again.
  for (auto& gone : old) {
    if (!gone) continue;
    if (gone->at_rest()) {
      context.actions.push_back(Forget{gone->spec().id});
      continue;
    }
    MemberSpec spec = gone->spec();
    spec.listed = false;
    spec.policy.restart = RestartRule::never;
    gone->respecify(std::move(spec), context);
    members_.push_back(std::move(gone));
  }
  for (Machine* member : fresh) member->open(context);
}

void Fleet::on(const Requested& request, Context& context) {
  for (const MemberId& id : request.members) {
    auto conclude = [&](Outcome outcome, std::string message) {
      context.actions.push_back(Concluded{request.operation, id, outcome, std::move(message)});
    };
    Machine* asked = member(id);
    if (!asked)
      conclude(Outcome::failed, "no such member any more");
    else if (shutting_down_)
      conclude(Outcome::refused, "postmultid is stopping");
    else if (std::string why = passed_over(request, asked->spec()); !why.empty())
      conclude(request.named ? Outcome::refused : Outcome::skipped, std::move(why));
    else if (!request.options.rolling)
      ask(request, *asked, context);
  }
  if (request.options.rolling && !shutting_down_) begin_rolling(request, context);
}

/// In start order, those that are concerned.
void Fleet::begin_rolling(const Requested& request, Context& context) {
  std::deque<MemberId> members;
  for (const auto& member : members_) {
    const MemberId& id = member->spec().id;
    bool meant = std::find(request.members.begin(), request.members.end(), id) != request.members.end();
    if (!meant || !passed_over(request, member->spec()).empty()) continue;
    give_up_rolling(id, context);
    members.push_back(id);
  }
  rolling_.emplace_back(request.operation, std::move(members));
}

/// On to the next members of what restarts one by one.
void Fleet::roll(Context& context) {
  for (std::size_t i = 0; i < rolling_.size(); ++i)
    for (bool moved = true; moved;) {
      rolling_[i].learn(context.actions);
      auto id = rolling_[i].next();
      moved = id.has_value();
      if (!id) break;
      OperationId operation = rolling_[i].operation();
      if (Machine* next = member(*id))
        next->wish(Input::want_bounce, operation, context);
      else
        context.actions.push_back(Concluded{operation, *id, Outcome::failed, "no such member any more"});
    }
  std::erase_if(rolling_, [](const Rolling& each) { return each.over(); });
}

/// A later wish for a member takes it out of what restarts one by one.
void Fleet::give_up_rolling(const MemberId& member, Context& context) {
  for (Rolling& each : rolling_) each.give_up(member, Outcome::superseded, "by a later request", context.actions);
}

void Fleet::ask(const Requested& request, Machine& member, Context& context) {
  auto conclude = [&](Outcome outcome, std::string message) {
    context.actions.push_back(Concluded{request.operation, member.spec().id, outcome, std::move(message)});
  };
  auto errand = [&] {
    context.actions.push_back(
        Errand{request.operation, member.spec().id, request.action, member.spec().policy.start_timeout});
  };
  bool wish = request.action == model::Action::start || request.action == model::Action::stop ||
              request.action == model::Action::restart || request.action == model::Action::abort ||
              request.action == model::Action::drain;
  if (wish) give_up_rolling(member.spec().id, context);
  switch (request.action) {
    case model::Action::start: return member.wish(Input::want_up, request.operation, context, request.options);
    case model::Action::stop: return member.wish(Input::want_down, request.operation, context);
    case model::Action::restart: return member.wish(Input::want_bounce, request.operation, context, request.options);
    case model::Action::abort: return member.wish(Input::want_abort, request.operation, context);
    case model::Action::drain:
      // What else is not Postfix's knows no other way than to be stopped.
      return member.wish(member.spec().companion ? Input::want_down : Input::want_drain, request.operation, context,
                         request.options);
    case model::Action::reload: return member.reload(request.operation, context);
    case model::Action::flush: return member.running() ? errand() : conclude(Outcome::failed, "is not running");
    case model::Action::check:
    case model::Action::enable:
    case model::Action::disable: return errand();
    case model::Action::reset_failed: member.reset_failed(context); return conclude(Outcome::done, "");
  }
}

void Fleet::on(const ErrandDone& done, Context& context) {
  context.actions.push_back(Concluded{done.operation, done.id, done.outcome, done.message});
}

void Fleet::on(const SurroundingsChanged& changed, Context& context) {
  for (auto& member : members_)
    if (member->fault() && member->fault()->missing == changed.what)
      member->take({.id = member->spec().id, .input = Input::relieved}, context);
}

void Fleet::on(const Cancelled& cancelled, Context& context) {
  for (Rolling& each : rolling_)
    if (each.operation() == cancelled.operation)
      each.give_up(Outcome::cancelled, "nothing had been done to it yet", context.actions);
  for (auto& member : members_) member->cancel(cancelled.operation, context);
}

void Fleet::on(const Happened& happened, Context& context) {
  gate_.answered(happened.attempt);
  Machine* concerned = member(happened.id);
  if (!concerned || !concerned->take(happened, context)) ++ignored_;
}

void Fleet::on(const ShutdownRequested&, Context& context) {
  shutting_down_ = true;
  for (Rolling& each : rolling_) each.give_up(Outcome::refused, "postmultid is stopping", context.actions);
  for (auto& member : members_) member->wish(Input::want_down, std::nullopt, context);
}

Machine* Fleet::member(const MemberId& id) {
  auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m->spec().id == id; });
  return found == members_.end() ? nullptr : found->get();
}

/// Members of one parallel group.
bool Fleet::independent(const Machine& a, const Machine& b) const {
  return a.spec().group == b.spec().group && std::any_of(groups_.begin(), groups_.end(), [&](const GroupSpec& group) {
           return group.parallel && group.name == a.spec().group;
         });
}

/// Whether the later one must not start without the earlier one: in one group always, else if its group is required.
bool Fleet::required(const Machine& earlier, const Machine& later) const {
  if (earlier.spec().group.empty()) return false;
  if (earlier.spec().group == later.spec().group) return true;
  return !later.spec().group.empty() && std::any_of(groups_.begin(), groups_.end(), [&](const GroupSpec& group) {
    return group.required && group.name == earlier.spec().group;
  });
}

const Machine* Fleet::in_the_way_of_start(std::size_t position) const {
  const Machine& member = *members_[position];
  for (std::size_t i = 0; i < position; ++i) {
    const Machine& earlier = *members_[i];
    if (independent(earlier, member)) continue;
    // One that is queued itself waits either for somebody before it, who was found here already, or is held by its
    // own group, which is no concern of others.
    if (earlier.rising() && earlier.phase() != Phase::queued) return &earlier;
    if (!member.unheld() && required(earlier, member) && earlier.desired() == Desired::up && !earlier.running())
      return &earlier;
  }
  return nullptr;
}

bool Fleet::may_stop(std::size_t position) const {
  for (std::size_t i = position + 1; i < members_.size(); ++i)
    if (members_[i]->falling() && !independent(*members_[position], *members_[i])) return false;
  return true;
}

const Machine* Fleet::blocker(const Machine& member) const {
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i].get() == &member) {
      if (member.phase() == Phase::queued) return in_the_way_of_start(i);
      if (member.phase() == Phase::leaving)
        for (std::size_t j = members_.size(); j-- > i + 1;)
          if (members_[j]->falling() && !independent(member, *members_[j])) return members_[j].get();
    }
  return nullptr;
}

/// An operation does not wait for somebody to mend the member that holds its own: it says so and ends; the wish stays.
void Fleet::conclude_held(Context& context) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Machine& member = *members_[i];
    if (member.phase() != Phase::queued || !member.asked()) continue;
    const Machine* blocker = in_the_way_of_start(i);
    if (blocker && !blocker->rising())
      member.conclude(Outcome::failed,
                      "waits for " + blocker->spec().id.text + ", which is " + model::to_word(blocker->state()),
                      context);
  }
}

void Fleet::advance(Context& context) {
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (members_[i]->phase() == Phase::queued && !in_the_way_of_start(i))
        moved |= members_[i]->take({.id = members_[i]->spec().id, .input = Input::turn}, context);
    for (std::size_t i = members_.size(); i-- > 0;)
      if (members_[i]->phase() == Phase::leaving && may_stop(i))
        moved |= members_[i]->take({.id = members_[i]->spec().id, .input = Input::turn}, context);
  }
  conclude_held(context);
  bool all_down = std::all_of(members_.begin(), members_.end(), [](const auto& member) { return member->at_rest(); });
  if (shutting_down_ && all_down && !left_) {
    left_ = true;
    context.actions.push_back(Leave{});
  }
}

}  // namespace postmultid::supervision
