#include "model/selection.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "model/names.hpp"

namespace postmultid::model {

namespace {

std::string or_nearest(std::vector<std::string> candidates, const std::string& typed) {
  auto near = nearest(candidates, typed);
  return near ? "; did you mean \"" + *near + "\"?" : "; `pmctl list` shows what there is";
}

bool is_pattern(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

}  // namespace

std::expected<MemberId, Problem> find(const Status& status, const std::string& name) {
  std::vector<Nameable> nameable;
  std::vector<std::string> candidates;
  for (const model::Member& member : status.members) {
    nameable.push_back({member.id, member.name, member.config_directory, member.primary});
    candidates.push_back(member.id.text);
  }
  if (auto id = find_member(nameable, name)) return *id;
  return std::unexpected(
      Problem{"no-such-instance", "no instance \"" + name + "\"" + or_nearest(std::move(candidates), name)});
}

Problem no_such_group(const Status& status, const std::string& name) {
  std::vector<std::string> groups;
  for (const model::Member& member : status.members)
    if (!member.group.empty()) groups.push_back(member.group);
  return {"no-such-group", "no group \"" + name + "\"" + or_nearest(std::move(groups), name)};
}

std::expected<std::vector<MemberId>, Problem> select(const Status& status, const Selection& selection) {
  std::set<MemberId> chosen;
  for (const std::string& name : selection.names) {
    if (is_pattern(name)) {
      bool any = false;
      for (const model::Member& member : status.members)
        if (::fnmatch(name.c_str(), member.id.text.c_str(), 0) == 0) {
          chosen.insert(member.id);
          any = true;
        }
      if (!any)
        return std::unexpected(
            Problem{"no-such-instance", "no instance matches \"" + name + "\"; `pmctl list` shows what there is"});
      continue;
    }
    auto id = find(status, name);
    if (!id) return std::unexpected(id.error());
    chosen.insert(*id);
  }
  for (const model::Member& member : status.members)
    if (selection.all || (!selection.group.empty() && member.group == selection.group)) chosen.insert(member.id);
  if (!selection.group.empty() && chosen.empty()) return std::unexpected(no_such_group(status, selection.group));
  std::vector<MemberId> in_order;
  for (const model::Member& member : status.members)
    if (chosen.contains(member.id)) in_order.push_back(member.id);
  return in_order;
}

}  // namespace postmultid::model
