#include <doctest/doctest.h>

#include <optional>

#include "control/allowance.hpp"
#include "runtime/access.hpp"

using namespace postmultid;
using control::Allowance;
using model::Role;

TEST_CASE("an allowance keeps something for root, and is given back") {
  Allowance places({.in_all = 5, .of_one_user = 3, .kept_for_root = 1});
  std::vector<Allowance::Share> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(std::move(*places.take(1001)));
  CHECK(places.take(1001).error() == Allowance::Full::for_user);
  taken.push_back(std::move(*places.take(1002)));
  CHECK(places.take(1002).error() == Allowance::Full::for_all);
  std::optional<Allowance::Share> root = std::move(*places.take(0));
  CHECK(places.take(0).error() == Allowance::Full::for_all);
  CHECK(places.taken() == 5);
  taken.pop_back();
  CHECK(places.take(1002).error() == Allowance::Full::for_all);  // root's last place is free again, and nobody else's
  root.reset();
  CHECK(places.take(1002));
  taken.clear();
  CHECK(places.taken() == 0);
  CHECK(places.take(0, 5));
  CHECK(places.take(1001, 4).error() == Allowance::Full::for_user);
}

TEST_CASE("a share that is moved is given back once") {
  Allowance places({.in_all = 2, .of_one_user = 2, .kept_for_root = 0});
  Allowance::Share first = std::move(*places.take(1)), second;
  second = std::move(first);
  CHECK(places.taken() == 1);
  second = {};
  CHECK(places.taken() == 0);
}

TEST_CASE("somebody has the most that user, group and supplementary groups give") {
  runtime::Access access;
  access.users[1001] = Role::monitor;
  access.groups[2001] = Role::viewer;
  access.groups[2002] = Role::operator_;
  host::Peer peer{.pid = 1, .uid = 1001, .gid = 1001};
  CHECK(access.role_of(peer) == Role::monitor);
  peer.gid = 2001;
  CHECK(access.role_of(peer) == Role::viewer);
  peer.groups = {5, 2002};
  CHECK(access.role_of(peer) == Role::operator_);
  CHECK(access.role_of({.pid = 1, .uid = 1002, .gid = 0}) == Role::anyone);
  CHECK(access.role_of({.pid = 1, .uid = 0, .gid = 5}) == Role::admin);
  CHECK(access.role_of({}) == Role::anyone);
}

TEST_CASE("who does not exist has no role, is a problem with its place, and takes none from others") {
  definitions::Roles roles;
  roles[Role::viewer] = {{"no-such-user-here", {"f", 3, 7}}, {"daemon", {"f", 3, 20}}};
  roles[Role::admin] = {{"@no-such-group-here", {"f", 4, 7}}, {"@root", {"f", 4, 20}}};
  auto access = runtime::resolve(roles);
  CHECK(access.role_of({.pid = 1, .uid = 1, .gid = 1}) == Role::viewer);
  CHECK(access.role_of({.pid = 1, .uid = 4711, .gid = 0}) == Role::admin);
  auto told = [&](const std::string& words) {
    for (const std::string& problem : access.problems)
      if (problem.find(words) != std::string::npos) return true;
    return false;
  };
  CHECK(told("f:3:7: there is no user \"no-such-user-here\""));
  CHECK(told("f:4:7: there is no group \"no-such-group-here\""));
}
