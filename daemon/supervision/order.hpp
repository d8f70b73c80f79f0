// The rule of order, kept up to date member by member: who waits, who is in the way, whose turn it is. An answer costs no
// look at all members: there may be thousands, and something happens to one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervision/machine.hpp"

namespace postmultid::supervision {

/// A member's position in start order.
using Place = std::size_t;
using Places = std::set<Place>;

/// Places, with the first one of each group at hand.
class PlacesByGroup {
 public:
  /// True if that changed anything.
  bool put(Place place, std::size_t group, bool in);
  /// The first one that is not of this group (nothing: of any).
  std::optional<Place> first(std::optional<std::size_t> except) const;

 private:
  std::map<std::size_t, Places> groups_;
  std::map<Place, std::size_t> firsts_;
};

class Order {
 public:
  Order() = default;
  /// `groups` are those that have rules; `member_groups` says for each place which group it belongs to.
  Order(const std::vector<GroupSpec>& groups, const std::vector<std::string>& member_groups);

  /// How the member in that place is now. True if that may be somebody's turn.
  bool note(Place place, const Machine& member);

  /// Those that wait to start and have nobody on his way up before them. Who is down though wanted may still hold those
  /// of them that somebody has asked for, who is to be told.
  std::vector<Place> next_to_start() const;
  /// Those that wait to stop, the last first.
  std::vector<Place> next_to_stop() const { return {leaving_.rbegin(), leaving_.rend()}; }

  /// In the way of a start is who is before it on its way up, and (unless `unheld`) who is before it down though wanted, in
  /// its group or in one that is required. The members of a parallel group are not in each other's way.
  std::optional<Place> in_the_way_of_start(Place place, bool unheld) const;
  /// In the way of a stop is who is behind it and is to end.
  std::optional<Place> in_the_way_of_stop(Place place) const;

  bool all_at_rest() const { return active_.empty(); }

 private:
  struct Group {
    bool named = false, parallel = false, required = false;
    Places queued;   // wait to start
    Places asking;   // ... and an operation waits for them, or nobody holds them
    Places lacking;  // wanted, and not there
  };

  std::optional<Place> in_the_way_by_rule(Place place) const;

  const Group& group_of(Place place) const { return groups_[group_[place]]; }

  std::vector<std::size_t> group_;  // of each place
  std::vector<Group> groups_;
  std::set<std::size_t> waiting_groups_;  // with members that wait to start
  Places leaving_, falling_, active_;
  PlacesByGroup rising_, lacking_required_;
};

}  // namespace postmultid::supervision
