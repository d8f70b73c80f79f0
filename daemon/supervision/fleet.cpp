#include "supervision/fleet.hpp"

#include <algorithm>
#include <utility>

namespace postmultid::supervision {

using model::Desired;
using model::Outcome;

std::vector<MemberSpec> in_start_order(std::vector<MemberSpec> members) {
  std::vector<std::string> groups;
  for (const MemberSpec& member : members)
    if (!member.group.empty() && std::find(groups.begin(), groups.end(), member.group) == groups.end())
      groups.push_back(member.group);
  auto rank = [&](const MemberSpec& member) {
    if (member.group.empty()) return std::ptrdiff_t{-1};
    return std::find(groups.begin(), groups.end(), member.group) - groups.begin();
  };
  std::stable_sort(members.begin(), members.end(),
                   [&](const MemberSpec& a, const MemberSpec& b) { return rank(a) < rank(b); });
  return members;
}

std::vector<Action> Fleet::handle(const Event& event, Instant now) {
  std::vector<Action> actions;
  Context context{now, actions, last_attempt_, random_};
  std::visit([&](const auto& e) { on(e, context); }, event);
  advance(context);
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
  for (MemberSpec& spec : in_start_order(inventory.members)) {
    auto known = std::find_if(old.begin(), old.end(), [&](const auto& m) { return m && m->spec().id == spec.id; });
    if (known != old.end()) {
      members_.push_back(std::move(*known));
      members_.back()->respecify(std::move(spec), context);
    } else {
      members_.push_back(std::make_unique<Machine>(std::move(spec), context.now));
      fresh.push_back(members_.back().get());
    }
  }
  // Postfix does not list it any more. While something of it runs it stays visible, at the end of the order.
  for (auto& gone : old) {
    if (!gone) continue;
    if (gone->at_rest())
      context.actions.push_back(Forget{gone->spec().id});
    else
      members_.push_back(std::move(gone));
  }
  for (Machine* member : fresh) member->open(context);
}

void Fleet::on(const Requested& request, Context& context) {
  for (const MemberId& id : request.members) {
    auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m->spec().id == id; });
    auto conclude = [&](Outcome outcome, std::string message) {
      context.actions.push_back(Concluded{request.operation, id, outcome, std::move(message)});
    };
    if (found == members_.end()) {
      conclude(Outcome::failed, "no such member any more");
      continue;
    }
    Machine& member = **found;
    if (shutting_down_) {
      conclude(Outcome::refused, "postmultid is stopping");
    } else if (request.action == model::Action::reset_failed) {
      member.reset_failed(context);
      conclude(Outcome::done, "");
    } else if (!request.named && !member.spec().enabled && !member.spec().broken) {
      conclude(Outcome::skipped, "multi_instance_enable is not yes");
    } else {
      Input want = request.action == model::Action::start  ? Input::want_up
                   : request.action == model::Action::stop ? Input::want_down
                                                           : Input::want_bounce;
      member.wish(want, request.operation, context);
    }
  }
}

void Fleet::on(const Happened& happened, Context& context) {
  auto found =
      std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m->spec().id == happened.id; });
  if (found == members_.end() || !(*found)->take(happened, context)) ++ignored_;
}

void Fleet::on(const ShutdownRequested&, Context& context) {
  shutting_down_ = true;
  for (auto& member : members_) member->wish(Input::want_down, std::nullopt, context);
}

const Machine* Fleet::in_the_way_of_start(std::size_t position) const {
  const Machine& member = *members_[position];
  for (std::size_t i = 0; i < position; ++i) {
    const Machine& earlier = *members_[i];
    // One that is queued itself waits either for somebody before it, who was found here already, or is held by its
    // own group, which is no concern of others.
    if (earlier.rising() && earlier.phase() != Phase::queued) return &earlier;
    bool holds = !member.spec().group.empty() && earlier.spec().group == member.spec().group &&
                 earlier.desired() == Desired::up && !earlier.running();
    if (holds) return &earlier;
  }
  return nullptr;
}

bool Fleet::may_stop(std::size_t position) const {
  for (std::size_t i = position + 1; i < members_.size(); ++i)
    if (members_[i]->falling()) return false;
  return true;
}

const Machine* Fleet::blocker(const Machine& member) const {
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i].get() == &member) {
      if (member.phase() == Phase::queued) return in_the_way_of_start(i);
      if (member.phase() == Phase::leaving)
        for (std::size_t j = members_.size(); j-- > i + 1;)
          if (members_[j]->falling()) return members_[j].get();
    }
  return nullptr;
}

/// An operation does not wait for somebody to mend the member that holds its own: it says so and ends; the wish stays.
void Fleet::conclude_held(Context& context) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Machine& member = *members_[i];
    if (member.phase() != Phase::queued || !member.operation()) continue;
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
