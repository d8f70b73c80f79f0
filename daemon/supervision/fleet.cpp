#include "supervision/fleet.hpp"

#include <algorithm>
#include <utility>

namespace postmultid::supervision {

using model::Desired;
using model::Outcome;

namespace {

/// Why a request does not concern this member; empty if it does.
std::string passed_over(const Requested& request, const Machine& member) {
  using enum model::Action;
  const MemberSpec& spec = member.spec();
  if (request.options.keep_desired) {
    bool wanted = member.desired() == Desired::up || member.suspended();
    if (request.action == start && !wanted) return "is not wanted up";
    if (request.action == reload && !member.running()) return "is not running";
  }
  if (request.only_up && member.desired() == Desired::down) return "is not wanted up";
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

Fleet::Fleet(const Fleet& other)
    : mode_(other.mode_),
      places_(other.places_),
      order_(other.order_),
      order_is_new_(other.order_is_new_),
      rolling_(other.rolling_),
      gate_(other.gate_),
      random_(other.random_),
      last_attempt_(other.last_attempt_),
      ignored_(other.ignored_),
      shutting_down_(other.shutting_down_),
      left_(other.left_) {
  for (const auto& member : other.members_) members_.push_back(std::make_unique<Machine>(*member));
}

std::vector<Action> Fleet::handle(const Event& event, Instant now) {
  std::vector<Action> actions;
  Context context{now, actions, last_attempt_, random_, {}};
  std::visit([&](const auto& e) { on(e, context); }, event);
  roll(context);
  // What rolls on makes a wish, and whose turn it is may end what others wait for.
  while (!context.touched.empty() || order_is_new_) {
    advance(context);
    roll(context);
  }
  if (shutting_down_ && (observing() || order_.all_at_rest()) && !std::exchange(left_, true))
    actions.push_back(Leave{});
  gate_.pass(actions, now);
  return actions;
}

std::vector<const Machine*> Fleet::members() const {
  std::vector<const Machine*> all;
  for (const auto& member : members_) all.push_back(member.get());
  return all;
}

const Machine* Fleet::find(const MemberId& id) const {
  auto place = places_.find(id);
  return place == places_.end() ? nullptr : members_[place->second].get();
}

void Fleet::on(const InventoryRead& inventory, Context& context) {
  if (shutting_down_) return;  // nothing is begun any more, and what runs is known
  Members old = std::exchange(members_, {});
  std::vector<Machine*> fresh;
  std::map<MemberId, std::unique_ptr<Machine>*> known;
  for (auto& member : old) known[member->spec().id] = &member;
  for (MemberSpec& spec : in_start_order(inventory.members, inventory.groups)) {
    auto before = known.find(spec.id);
    if (before != known.end() && *before->second) {
      members_.push_back(std::move(*before->second));
      members_.back()->respecify(std::move(spec), context);
    } else {
      members_.push_back(std::make_unique<Machine>(std::move(spec), context.now, mode_));
      fresh.push_back(members_.back().get());
    }
  }
  // Nobody lists it any more. While something of it runs it stays visible, at the end of the order, and is not started
  // again.
  for (auto& gone : old) {
    if (!gone) continue;
    if (gone->at_rest()) {
      gone->let_go(context);
      context.actions.push_back(Forget{gone->spec().id});
      continue;
    }
    MemberSpec spec = gone->spec();
    spec.listed = false;
    spec.policy.restart = RestartRule::never;
    gone->respecify(std::move(spec), context);
    members_.push_back(std::move(gone));
  }
  std::vector<std::string> groups;
  places_.clear();
  for (const auto& member : members_) {
    places_[member->spec().id] = groups.size();
    groups.push_back(member->spec().group);
  }
  order_ = Order(inventory.groups, groups);
  order_is_new_ = true;
  for (Machine* member : fresh) {
    auto before = inventory.remembered.find(member->spec().id);
    member->open(before == inventory.remembered.end() ? std::nullopt : std::optional(before->second), context);
  }
  for (std::size_t place = 0; place < members_.size(); ++place) order_.note(place, *members_[place]);
}

std::map<MemberId, Remembered> Fleet::memory() const {
  std::map<MemberId, Remembered> all;
  for (const auto& member : members_) all[member->spec().id] = member->memory();
  return all;
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
    else if (observing() && acts(request.action))
      conclude(Outcome::refused, "postmultid only observes: pmctl takeover makes it the manager of this host");
    else if (std::string why = passed_over(request, *asked); !why.empty())
      conclude(request.named && !request.options.keep_desired ? Outcome::refused : Outcome::skipped, std::move(why));
    else if (!request.options.rolling)
      ask(request, *asked, context);
  }
  if (request.options.rolling && !shutting_down_ && !observing()) begin_rolling(request, context);
}

/// In start order, those that are concerned.
void Fleet::begin_rolling(const Requested& request, Context& context) {
  std::deque<MemberId> members;
  std::set<MemberId> up;
  for (const auto& member : members_) {
    const MemberId& id = member->spec().id;
    bool meant = std::find(request.members.begin(), request.members.end(), id) != request.members.end();
    if (!meant || !passed_over(request, *member).empty()) continue;
    give_up_rolling(id, context);
    members.push_back(id);
    if (member->desired() == Desired::up) up.insert(id);
  }
  rolling_.emplace_back(request.operation, std::move(members), std::move(up), request.options);
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
      Machine* next = member(*id);
      if (!next)
        context.actions.push_back(Concluded{operation, *id, Outcome::failed, "no such member any more"});
      else if (rolling_[i].was_up(*id) && next->desired() == Desired::down)
        context.actions.push_back(Concluded{operation, *id, Outcome::unchanged, "is not wanted up any more"});
      else
        next->wish(Input::want_bounce, operation, context, rolling_[i].options());
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
    context.actions.push_back(Progress{request.operation, member.spec().id, model::to_word(request.action)});
    context.actions.push_back(
        Errand{request.operation, member.spec().id, request.action, member.spec().policy.start_timeout});
  };
  bool wish = request.action == model::Action::start || request.action == model::Action::stop ||
              request.action == model::Action::restart || request.action == model::Action::abort ||
              request.action == model::Action::drain;
  if (wish) give_up_rolling(member.spec().id, context);
  switch (request.action) {
    case model::Action::start: return member.wish(Input::want_up, request.operation, context, request.options);
    case model::Action::stop: return member.wish(Input::want_down, request.operation, context, request.options);
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

void Fleet::on(const Explained& explained, Context& context) {
  Machine* concerned = member(explained.id);
  if (!concerned || !concerned->learn(explained, context)) ++ignored_;
}

void Fleet::on(const ErrandDone& done, Context& context) {
  gate_.answered(done.operation, done.id);
  context.actions.push_back(Concluded{done.operation, done.id, done.outcome, done.message});
}

/// Old and new programs of one instance may not understand each other, so it does not stay so for long; one by one, because
/// what is wrong with the new ones should cost one instance.
void Fleet::on(const ProgramsReplaced& replaced, Context& context) {
  if (shutting_down_) return;
  std::vector<MemberId> to_restart;
  for (const auto& member : members_) {
    const MemberId& id = member->spec().id;
    bool meant = std::find(replaced.members.begin(), replaced.members.end(), id) != replaced.members.end();
    bool coming = std::ranges::any_of(rolling_, [&](const Rolling& each) { return each.concerns(id); });
    if (meant && member->upgraded(context) && !coming) to_restart.push_back(id);
  }
  if (to_restart.empty()) return;
  model::OperationOptions one_by_one;
  one_by_one.rolling = true;
  context.actions.push_back(Initiate{model::Action::restart, std::move(to_restart), one_by_one});
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
  for (const Errand& each : gate_.give_up(cancelled.operation))
    context.actions.push_back(
        Concluded{each.operation, each.id, Outcome::cancelled, "nothing had been done to it yet"});
  for (auto& member : members_) member->cancel(cancelled.operation, context);
}

void Fleet::on(const Happened& happened, Context& context) {
  gate_.answered(happened.attempt);
  Machine* concerned = member(happened.id);
  if (!concerned || !concerned->take(happened, context)) ++ignored_;
}

void Fleet::on(const Looked& look, Context& context) {
  Machine* concerned = member(look.id);
  if (!concerned || !concerned->looked(look, context)) ++ignored_;
}

void Fleet::on(const ShutdownRequested&, Context& context) {
  shutting_down_ = true;
  for (Rolling& each : rolling_) each.give_up(Outcome::refused, "postmultid is stopping", context.actions);
  for (const Errand& each : gate_.give_up())
    context.actions.push_back(Concluded{each.operation, each.id, Outcome::refused, "postmultid is stopping"});
  if (observing()) return;
  for (auto& member : members_) member->shut_down(context);
}

void Fleet::on(const ModeChanged& changed, Context& context) {
  if (shutting_down_ || std::exchange(mode_, changed.mode) == changed.mode) return;
  for (Rolling& each : rolling_) each.give_up(Outcome::cancelled, "postmultid only observes now", context.actions);
  for (auto& member : members_) observing() ? member->observe(context) : member->manage(context);
}

Machine* Fleet::member(const MemberId& id) {
  auto place = places_.find(id);
  return place == places_.end() ? nullptr : members_[place->second].get();
}

const Machine* Fleet::blocker(const Machine& member) const {
  auto place = places_.find(member.spec().id);
  if (place == places_.end()) return nullptr;
  std::optional<Place> blocker;
  if (member.phase() == Phase::queued) blocker = order_.in_the_way_of_start(place->second, member.unheld());
  if (member.phase() == Phase::leaving) blocker = order_.in_the_way_of_stop(place->second);
  return blocker ? members_[*blocker].get() : nullptr;
}

/// An operation does not wait for somebody to mend the member that holds its own: it says so and ends; the wish stays.
void Fleet::conclude_held(Machine& member, const Machine& blocker, Context& context) {
  if (!member.asked() || blocker.rising()) return;
  member.conclude(Outcome::failed, "waits for " + blocker.spec().id.text + ", which is " + to_word(blocker.state()),
                  context);
}

bool Fleet::note_touched(Context& context) {
  bool changed = false;
  for (const Machine* machine : std::exchange(context.touched, {}))
    if (auto place = places_.find(machine->spec().id); place != places_.end())
      changed |= order_.note(place->second, *machine);
  return changed;
}

void Fleet::advance(Context& context) {
  auto turn = [&](Machine& member) {
    member.take({.id = member.spec().id, .input = Input::turn}, context);
    note_touched(context);
  };
  // Mostly it is nobody's turn, and there may be thousands.
  if (!note_touched(context) && !std::exchange(order_is_new_, false)) return;
  for (Place place : order_.next_to_start()) {
    Machine& member = *members_[place];
    auto blocker = order_.in_the_way_of_start(place, member.unheld());
    if (blocker)
      conclude_held(member, *members_[*blocker], context);
    else
      turn(member);
  }
  for (Place place : order_.next_to_stop())
    if (!order_.in_the_way_of_stop(place)) turn(*members_[place]);
}

}  // namespace postmultid::supervision
