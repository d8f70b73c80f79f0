#include "runtime/access.hpp"

#include <algorithm>
#include <set>

#include "host/accounts.hpp"
#include "model/words.hpp"

namespace postmultid::runtime {

using definitions::Name;
using model::Role;

namespace {

// Names in one message; it is to be read.
constexpr std::size_t kNamed = 5;

/// Goes through the roles, from the least to the most, so that the most counts.
class Resolution {
 public:
  Access run(const definitions::Roles& roles) {
    access_.names[0] = "root";
    auto control = host::group_called(kControlGroup);
    if (control && *control) {
      control_ = **control;
      access_.groups[control_->gid] = Role::monitor;
      for (const std::string& member : control_->members) add_member(member, Role::monitor);
    }
    for (const auto& [role, who] : roles)
      for (const Name& name : who) name.text.starts_with('@') ? add_group(name, role) : add_user(name, role);
    bool anybody = std::any_of(roles.begin(), roles.end(), [](const auto& role) { return !role.second.empty(); });
    if (anybody && !control_)
      complain(first_place(roles), control
                                       ? std::string("there is no group postmultid, so only root can connect; make it: "
                                                     "groupadd --system postmultid, and restart postmultid")
                                       : control.error().message);
    return std::move(access_);
  }

 private:
  void complain(const definitions::Place& place, const std::string& message) {
    access_.problems.push_back(place.text() + ": " + message);
  }

  static definitions::Place first_place(const definitions::Roles& roles) {
    for (const auto& [role, who] : roles)
      if (!who.empty()) return who.front().place;
    return {};
  }

  const host::User* add(const host::User& user, Role role) {
    access_.names[user.uid] = user.name;
    access_.users[user.uid] = role;
    return &users_.insert_or_assign(user.name, user).first->second;
  }

  /// Who is listed as a member and does not exist is nobody's mistake here.
  const host::User* add_member(const std::string& name, Role role) {
    auto known = users_.find(name);
    if (known != users_.end()) return add(host::User(known->second), role);
    auto user = host::user_called(name);
    return user && *user ? add(**user, role) : nullptr;
  }

  void add_user(const Name& name, Role role) {
    auto user = host::user_called(name.text);
    if (!user) return complain(name.place, user.error().message);
    if (!*user)
      return complain(name.place, "there is no user \"" + name.text + "\", so nobody gets the role " + to_word(role) +
                                      " by it (a group is written \"@" + name.text + "\")");
    add(**user, role);
    if (!can_connect(**user)) cannot_connect(name.place, name.text, (*user)->name);
  }

  void add_group(const Name& name, Role role) {
    auto group = host::group_called(name.text.substr(1));
    if (!group) return complain(name.place, group.error().message);
    if (!*group)
      return complain(name.place, "there is no group \"" + name.text.substr(1) + "\", so nobody gets the role " +
                                      to_word(role) + " by it");
    access_.groups[(*group)->gid] = role;
    std::string shut_out, one;
    std::size_t count = 0;
    for (const std::string& member : (*group)->members) {
      const host::User* user = add_member(member, role);
      if (!user || can_connect(*user)) continue;
      one = member;
      if (++count <= kNamed) shut_out += (shut_out.empty() ? "" : ", ") + member;
    }
    if (count > kNamed) shut_out += " and " + std::to_string(count - kNamed) + " more";
    if (count) cannot_connect(name.place, shut_out + " of " + name.text, count == 1 ? one : "USER");
  }

  bool can_connect(const host::User& user) const {
    if (user.uid == 0 || !control_ || user.gid == control_->gid) return true;
    return std::find(control_->members.begin(), control_->members.end(), user.name) != control_->members.end();
  }

  void cannot_connect(const definitions::Place& place, const std::string& who, const std::string& user) {
    complain(place,
             who + " cannot connect: only root and the group postmultid may; add: usermod -aG postmultid " + user);
  }

  Access access_;
  std::optional<host::Group> control_;
  std::map<std::string, host::User> users_;  // that were looked up
};

}  // namespace

Role Access::role_of(const host::Peer& peer) const {
  if (peer.uid == 0) return Role::admin;
  Role role = Role::anyone;
  auto consider = [&role](const auto& given, auto id) {
    if (auto found = given.find(id); found != given.end()) role = std::max(role, found->second);
  };
  consider(users, peer.uid);
  consider(groups, peer.gid);
  for (gid_t group : peer.groups) consider(groups, group);
  return role;
}

Access resolve(const definitions::Roles& roles) { return Resolution().run(roles); }

}  // namespace postmultid::runtime
