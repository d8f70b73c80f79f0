#include "definitions/check.hpp"

#include <map>
#include <set>

#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

class Check {
 public:
  Check(const Definition& definition, Complaints& complaints) : definition_(definition), complaints_(complaints) {
    for (const Companion& companion : definition.companions) companions_.insert(companion.name.text);
    nameable_.assign(companions_.begin(), companions_.end());
    for (const Instance& instance : definition.instances) nameable_.push_back(instance.name.text);
  }

  void run() {
    for (const Group& group : definition_.groups) check_group(group);
    for (const Companion& companion : definition_.companions) check_companion(companion);
  }

 private:
  struct Membership {
    const Group* group;
    Place place;
  };

  void complain(const Place& place, const std::string& message) { complaints_.push_back({place, message}); }

  void check_group(const Group& group) {
    if (group.members.empty()) complain(group.name.place, "group " + in_quotes(group.name.text) + " has no members");
    for (const Name& member : group.members) {
      check_known(member);
      auto [first, is_new] = groups_.try_emplace(member.text, Membership{&group, member.place});
      if (is_new) continue;
      const auto& [other, place] = first->second;
      complain(member.place,
               in_quotes(member.text) +
                   (other == &group ? " is in this group twice; first at " : " is in two groups; first at ") +
                   place.text());
    }
  }

  void check_known(const Name& member) {
    if (is_instance_name(member.text) || companions_.contains(member.text)) return;
    complain(member.place,
             "no companion " + in_quotes(member.text) + " is declared" +
                 did_you_mean(nameable_, member.text, complaints_) +
                 " (an instance's name begins with \"postfix-\"; companions are declared in companions:)");
  }

  void check_companion(const Companion& companion) {
    bool is_unit = !companion.unit.text.empty(), is_command = !companion.command.empty();
    std::string called = "companion " + in_quotes(companion.name.text);
    if (!is_unit && !is_command && !companion.ready)
      complain(companion.name.place, called + " has no unit, no command, and nothing in ready that could be awaited");
    if (is_unit && is_command)
      complain(companion.unit.place, called + " has a command, too: either systemd runs it or postmultid");
    if (is_unit) check_unit(companion);
    if (!is_command && !companion.command_keys.empty()) check_command_keys(companion);
    if (!groups_.contains(companion.name.text))
      complain(companion.name.place, "companion " + in_quotes(companion.name.text) +
                                         " is in no group, so it has no place in the start order");
  }

  void check_unit(const Companion& companion) {
    auto [first, is_new] = units_.try_emplace(companion.unit.text, &companion);
    if (!is_new)
      complain(companion.unit.place, in_quotes(companion.unit.text) + " is companion " +
                                         in_quotes(first->second->name.text) + " already, at " +
                                         first->second->unit.place.text());
  }

  /// Said of a unit in the unit's own files, and of what is only awaited by whoever runs it.
  void check_command_keys(const Companion& companion) {
    const Name& key = companion.command_keys.front();
    const std::string& unit = companion.unit.text;
    std::string remedy = unit.empty()
                             ? "companion " + in_quotes(companion.name.text) + " has no command, so nothing is run"
                             : "write it into the unit: systemctl edit " + unit;
    complain(key.place, key.text + ": is for a command; " + remedy);
  }

  const Definition& definition_;
  Complaints& complaints_;
  std::map<std::string, const Companion*> units_;  // of each unit, the first
  std::set<std::string> companions_;
  std::vector<std::string> nameable_;
  std::map<std::string, Membership> groups_;  // of each member, the first
};

}  // namespace

void check(const Definition& definition, Complaints& complaints) { Check(definition, complaints).run(); }

}  // namespace postmultid::definitions
