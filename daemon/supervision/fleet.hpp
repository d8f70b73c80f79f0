// All members together: the order in which they start and stop, and the operations on them.
//
// Order is a rule, not a plan: after every event each member that waits is asked again whether those before it (for
// a stop: behind it) allow its next step. So nothing has to be re-planned when a member fails, dies, is stopped by
// hand or gets a new wish in the middle of it all.
//
//   start  the primary, then the ungrouped members, then the groups: those that somebody ordered, then the others by
//          first appearance; each member when every one before it is up or has failed, every one before it *in its
//          own group* is up, and every one in an earlier group that is `required` is up
//   stop   the reverse: each member when every one behind it that is to end has ended
// The members of a `parallel` group do not wait for each other.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/operation.hpp"
#include "supervision/events.hpp"
#include "supervision/gate.hpp"
#include "supervision/machine.hpp"
#include "supervision/order.hpp"
#include "supervision/rolling.hpp"

namespace postmultid::supervision {

class Fleet {
 public:
  /// `checks` is how many checks may run at a time.
  explicit Fleet(std::uint32_t seed, std::size_t checks = kDefaultChecks, model::Mode mode = model::Mode::manage)
      : mode_(mode), gate_(checks), random_(seed) {}

  /// A copy goes its own way from there, under the same events by the same way (see rehearsal.hpp).
  Fleet(const Fleet& other);
  Fleet(Fleet&&) = default;
  Fleet& operator=(Fleet&&) = default;
  ~Fleet() = default;

  /// The one door of the core. The actions are to be carried out in their order.
  std::vector<Action> handle(const Event& event, Instant now);

  /// In start order.
  std::vector<const Machine*> members() const;
  const Machine* find(const MemberId& id) const;

  /// What the next daemon has to know, to go on where this one ends.
  std::map<MemberId, Remembered> memory() const;

  /// Why this member waits for its turn, as the member that is in the way; nothing if it does not wait.
  const Machine* blocker(const Machine& member) const;

  /// Whether it is to be checked, and as many others as may be at a time are just now.
  bool waits_for_check(const Machine& member) const { return gate_.holds(member.attempt()); }

  /// The checks that somebody has asked for and that run now.
  const auto& errands() const { return gate_.errands(); }

  /// Observing, it only sees: no member is started, stopped, signalled or otherwise changed by it.
  bool observing() const { return mode_ == model::Mode::observe; }

  bool shutting_down() const { return shutting_down_; }

  /// Events that fitted nothing: stale results, and pairs the table calls impossible.
  std::uint64_t ignored() const { return ignored_; }

 private:
  static constexpr std::size_t kDefaultChecks = 4;

  using Members = std::vector<std::unique_ptr<Machine>>;

  void on(const InventoryRead& inventory, Context& context);
  void on(const Requested& request, Context& context);
  void on(const Happened& happened, Context& context);
  void on(const Looked& look, Context& context);
  void on(const Explained& explained, Context& context);
  void on(const ErrandDone& done, Context& context);
  void on(const ProgramsReplaced& replaced, Context& context);
  void on(const SurroundingsChanged& changed, Context& context);
  void on(const Cancelled& cancelled, Context& context);
  void on(const ModeChanged& changed, Context& context);
  void on(const ShutdownRequested& shutdown, Context& context);

  Machine* member(const MemberId& id);
  void ask(const Requested& request, Machine& member, Context& context);
  void begin_rolling(const Requested& request, Context& context);
  void roll(Context& context);
  void give_up_rolling(const MemberId& member, Context& context);
  bool note_touched(Context& context);
  void advance(Context& context);
  static void conclude_held(Machine& member, const Machine& blocker, Context& context);

  model::Mode mode_;
  Members members_;  // in start order
  std::unordered_map<MemberId, Place> places_;
  Order order_;
  bool order_is_new_ = false;
  std::vector<Rolling> rolling_;
  Gate gate_;
  std::minstd_rand random_;
  std::uint64_t last_attempt_ = 0;
  std::uint64_t ignored_ = 0;
  bool shutting_down_ = false;
  bool left_ = false;
};

/// Start order of an inventory: the primary, ungrouped members as they come, `groups` in their order, then the other
/// groups by first appearance.
std::vector<MemberSpec> in_start_order(std::vector<MemberSpec> members, const std::vector<GroupSpec>& groups = {});

}  // namespace postmultid::supervision
