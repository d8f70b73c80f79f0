#include "supervision/order.hpp"

#include <algorithm>

namespace postmultid::supervision {

namespace {

bool put(std::set<std::size_t>& places, std::size_t place, bool in) {
  return in ? places.insert(place).second : places.erase(place) != 0;
}

}  // namespace

bool PlacesByGroup::put(Place place, std::size_t group, bool in) {
  Places& places = groups_[group];
  if (places.contains(place) == in) return false;
  if (!places.empty()) firsts_.erase(*places.begin());
  supervision::put(places, place, in);
  if (!places.empty()) firsts_[*places.begin()] = group;
  return true;
}

std::optional<Place> PlacesByGroup::first(std::optional<std::size_t> except) const {
  for (const auto& [place, group] : firsts_)
    if (group != except) return place;
  return std::nullopt;
}

Order::Order(const std::vector<GroupSpec>& groups, const std::vector<std::string>& member_groups) {
  std::map<std::string, std::size_t> numbers;
  for (const std::string& name : member_groups) {
    auto [number, fresh] = numbers.try_emplace(name, groups_.size());
    group_.push_back(number->second);
    if (!fresh) continue;
    auto rules = std::find_if(groups.begin(), groups.end(), [&](const GroupSpec& group) { return group.name == name; });
    bool ruled = rules != groups.end();
    groups_.push_back({!name.empty(), ruled && rules->parallel, ruled && rules->required, {}, {}, {}});
  }
}

bool Order::note(Place place, const Machine& member) {
  std::size_t number = group_[place];
  Group& group = groups_[number];
  bool queued = member.phase() == Phase::queued;
  bool lacking = group.named && member.desired() == model::Desired::up && !member.running();
  bool changed = put(group.queued, place, queued);
  put(group.asking, place, queued && (member.asked() || member.unheld()));
  put(waiting_groups_, number, !group.queued.empty());
  changed |= put(leaving_, place, member.phase() == Phase::leaving);
  // One that is queued itself waits either for somebody before it, who is in the way himself, or is held by its own group,
  // which is no concern of others.
  changed |= rising_.put(place, number, member.rising() && !queued);
  changed |= put(falling_, place, member.falling());
  changed |= put(group.lacking, place, lacking);
  lacking_required_.put(place, number, lacking && group.required);
  put(active_, place, !member.at_rest());
  return changed || queued;  // a wish for one that waits is concluded, or it is not held any more
}

std::vector<Place> Order::next_to_start() const {
  auto rising = rising_.first(std::nullopt);
  std::vector<Place> next;
  for (std::size_t number : waiting_groups_) {
    const Group& group = groups_[number];
    // Behind the first on its way up nobody is next, but members of its own group where that is parallel.
    bool beside = rising && group.parallel && group_[*rising] == number;
    auto in_time = [&](const Places& places) { return rising && !beside ? places.lower_bound(*rising) : places.end(); };
    // Most of those that are held ask for nothing, and there may be thousands.
    auto held = [&](Place place) { return in_the_way_by_rule(place).has_value(); };
    for (auto each = group.queued.begin(); each != in_time(group.queued) && !held(*each); ++each) next.push_back(*each);
    next.insert(next.end(), group.asking.begin(), in_time(group.asking));
  }
  std::sort(next.begin(), next.end());
  next.erase(std::unique(next.begin(), next.end()), next.end());
  return next;
}

std::optional<Place> Order::in_the_way_of_start(Place place, bool unheld) const {
  std::size_t number = group_[place];
  const Group& group = groups_[number];
  auto rising = rising_.first(group.parallel ? std::optional(number) : std::nullopt);
  if (rising && *rising < place) return rising;
  return unheld ? std::nullopt : in_the_way_by_rule(place);
}

std::optional<Place> Order::in_the_way_by_rule(Place place) const {
  std::size_t number = group_[place];
  const Group& group = groups_[number];
  if (!group.named) return std::nullopt;
  auto required = lacking_required_.first(number);
  if (required && *required < place) return required;
  if (group.parallel || group.lacking.empty() || *group.lacking.begin() >= place) return std::nullopt;
  return *group.lacking.begin();
}

std::optional<Place> Order::in_the_way_of_stop(Place place) const {
  for (auto each = falling_.rbegin(); each != falling_.rend() && *each > place; ++each)
    if (group_[*each] != group_[place] || !group_of(place).parallel) return *each;
  return std::nullopt;
}

}  // namespace postmultid::supervision
