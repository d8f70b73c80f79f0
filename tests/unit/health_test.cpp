// How well a running member is: what looks decide, and what the policy makes of it.
#include <doctest/doctest.h>

#include "supervision/health.hpp"
#include "virtual_host.hpp"

using namespace postmultid::test;
using Seen = postmultid::model::Check;
using postmultid::model::Health;
using Ask = postmultid::model::Action;

namespace {

Seen good(const char* name = "qmgr") { return {name, true, ""}; }
Seen bad(const char* name = "qmgr") { return {name, false, "no answer"}; }

VirtualHost with_rule(UnhealthyRule rule) {
  VirtualHost host;
  auto members = border_mail_server();
  for (MemberSpec& member : members) member.policy.on_unhealthy = rule;
  host.inventory(members);
  host.run(seconds(100));
  host.log.clear();
  return host;
}

long times(const VirtualHost& host, const std::string& line) {
  return std::count(host.log.begin(), host.log.end(), line);
}

}  // namespace

TEST_CASE("one bad look is no news, two in a row are") {
  HealthRecord record;
  CHECK(record.health() == Health::unknown);
  record.look({good()});
  CHECK(record.health() == Health::ok);
  record.look({bad()});
  CHECK(record.health() == Health::ok);
  CHECK(record.in_doubt());
  record.look({good()});
  CHECK_FALSE(record.in_doubt());
  record.look({bad()});
  record.look({bad()});
  CHECK(record.health() == Health::degraded);
  CHECK(record.complaint() == "qmgr: no answer");
  CHECK(record.curable());
}

TEST_CASE("what was bad needs two good looks in a row, too") {
  HealthRecord record;
  record.look({bad()});
  CHECK(record.health() == Health::unknown);
  record.look({bad()});
  REQUIRE(record.health() == Health::degraded);
  record.look({good()});
  record.look({bad()});
  record.look({good()});
  CHECK(record.health() == Health::degraded);
  record.look({good()});
  CHECK(record.health() == Health::ok);
  CHECK(record.complaint().empty());
}

TEST_CASE("each check is decided by itself, and one that a look leaves out stays as it was") {
  HealthRecord record;
  record.look({good("qmgr"), good("showq")});
  record.look({bad("qmgr"), good("showq")});
  record.look({bad("qmgr"), bad("showq")});
  record.look({bad("qmgr")});
  REQUIRE(record.checks().size() == 2);
  CHECK(record.checks()[0].ok == false);
  CHECK(record.checks()[1].ok == true);
  Seen not_known{"qmgr", std::nullopt, "could not be asked"};
  record.look({not_known});
  CHECK(record.checks()[0].ok == false);
  CHECK(record.checks()[0].detail == "no answer");
  record.look({good("qmgr")});
  record.look({not_known});
  record.look({good("qmgr")});
  CHECK(record.checks()[0].ok == true);
}

TEST_CASE("an unhealthy member is left alone by default") {
  VirtualHost host = with_rule(UnhealthyRule::ignore);
  for (int i = 0; i < 20; ++i) host.look("postfix-out", false);
  host.run(seconds(100));
  CHECK(host.log.empty());
  CHECK(host.member("postfix-out").health().health() == Health::degraded);
}

TEST_CASE("on_unhealthy: restart goes by way of the guard, and what is well again is known anew") {
  VirtualHost host = with_rule(UnhealthyRule::restart);
  host.look("postfix-out", false);
  CHECK(host.log.empty());
  host.look("postfix-out", false);
  host.run(seconds(1));
  CHECK(times(host, "guard postfix-out") == 1);
  CHECK(times(host, "launch postfix-out") == 1);
  CHECK(host.member("postfix-out").restarts() == 1);
  CHECK(host.member("postfix-out").health().health() == Health::unknown);
  CHECK(times(host, "term postfix-in") == 0);
  host.look("postfix-out", true);
  CHECK(host.member("postfix-out").health().health() == Health::ok);
}

TEST_CASE("a bad configuration keeps an unhealthy master as it is") {
  VirtualHost host = with_rule(UnhealthyRule::restart);
  host.behaviour["postfix-out"].check_ok = false;
  host.look("postfix-out", false);
  host.look("postfix-out", false);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(times(host, "term postfix-out") == 0);
}

TEST_CASE("what a restart does not cure is not restarted for") {
  VirtualHost host = with_rule(UnhealthyRule::restart);
  for (int i = 0; i < 5; ++i) host.look("postfix-out", false, false);
  host.run(seconds(1));
  CHECK(host.log.empty());
}

TEST_CASE("restarts for health are limited as all others are") {
  VirtualHost host = with_rule(UnhealthyRule::restart);
  for (int look = 0; look < 600; ++look) {
    host.look("postfix-out", false);
    host.run(seconds(1));
  }
  CHECK(times(host, "launch postfix-out") == 6);
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.violations.empty());
  host.run(std::chrono::hours(1));
  for (int look = 0; look < 3; ++look) host.look("postfix-out", false);
  host.run(seconds(1));
  CHECK(times(host, "launch postfix-out") == 7);
}

TEST_CASE("a stop is not undone by a restart for health") {
  VirtualHost host = with_rule(UnhealthyRule::restart);
  host.behaviour["postfix-out"].heeds_sigterm = false;
  host.request(Ask::stop, {"postfix-out"});
  host.look("postfix-out", false);
  host.look("postfix-out", false);
  host.run(seconds(100));
  CHECK(host.state("postfix-out") == State::stopped);
}

TEST_CASE("a look at an earlier life says nothing about this one") {
  VirtualHost host = with_rule(UnhealthyRule::ignore);
  auto ignored = host.fleet.ignored();
  Looked stale{{"postfix-out"}, AttemptId{1'000'000}, {bad(), bad()}};
  host.fleet.handle(stale, host.now());
  CHECK(host.fleet.ignored() == ignored + 1);
  CHECK(host.member("postfix-out").health().health() == Health::unknown);
}
