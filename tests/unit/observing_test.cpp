// Who only observes, what a takeover and a handback change, and stops that keep in mind who is wanted up.
#include <doctest/doctest.h>

#include "virtual_host.hpp"

using namespace postmultid::test;
using postmultid::model::Desired;
using postmultid::model::Mode;
using Ask = postmultid::model::Action;
using Names = std::vector<std::string>;

namespace {

const std::vector<std::string> kAll{"-", "postfix-out", "postfix-in"};

/// All masters run, started by somebody else, and are only looked at.
VirtualHost observed() {
  VirtualHost host(1, 4, Mode::observe);
  for (const std::string& id : kAll) host.start_by_hand(id);
  host.inventory(border_mail_server());
  host.run(seconds(1));
  return host;
}

VirtualHost managed() {
  VirtualHost host;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  return host;
}

}  // namespace

TEST_CASE("observing, a master that dies stays dead, and why is said; one that appears is seen") {
  VirtualHost host = observed();
  for (const std::string& id : kAll) CHECK(host.state(id) == State::running);
  host.kill("postfix-out", 9);
  host.run(std::chrono::hours(24));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.member("postfix-out").fault()->message == "master 102 was killed by SIG9");
  CHECK_FALSE(host.has_master("postfix-out"));
  host.start_by_hand("postfix-out");
  host.sighted("postfix-out");
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK_FALSE(host.member("postfix-out").fault());
  CHECK(host.violations.empty());
}

TEST_CASE("observing, a master that somebody stops is stopped, also where its policy would start it again") {
  VirtualHost host(1, 4, Mode::observe);
  auto members = border_mail_server();
  members[1].policy.restart = RestartRule::always;
  for (const std::string& id : kAll) host.start_by_hand(id);
  host.inventory(members);
  host.run(seconds(1));
  host.kill("postfix-out", 15);
  host.run(std::chrono::hours(24));
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.member("postfix-out").stopped_outside());
  CHECK(host.violations.empty());
}

TEST_CASE("observing, what would change something is refused, a check is not") {
  VirtualHost host = observed();
  for (Ask action : {Ask::start, Ask::stop, Ask::restart, Ask::reload, Ask::flush, Ask::drain, Ask::abort, Ask::enable,
                     Ask::disable}) {
    auto operation = host.request(action, kAll);
    host.run(seconds(1));
    for (const std::string& id : kAll) CHECK(host.outcomes[operation][id] == Outcome::refused);
  }
  CHECK(host.messages["postfix-in"].find("pmctl takeover") != std::string::npos);
  auto rolling = host.request(Ask::restart, kAll, true, {.rolling = true});
  CHECK(host.outcomes[rolling]["-"] == Outcome::refused);
  auto check = host.request(Ask::check, kAll);
  host.run(seconds(1));
  CHECK(host.outcomes[check]["postfix-in"] == Outcome::done);
  CHECK(host.violations.empty());
}

TEST_CASE("observing, neither bad health nor replaced programs lead to a restart") {
  VirtualHost host(1, 4, Mode::observe);
  auto members = border_mail_server();
  for (MemberSpec& member : members) member.policy.on_unhealthy = UnhealthyRule::restart;
  for (const std::string& id : kAll) host.start_by_hand(id);
  host.inventory(members);
  host.run(seconds(1));
  for (int i = 0; i < 10; ++i) host.look("postfix-out", false);
  host.replace_programs({{"postfix-out"}});
  host.run(std::chrono::hours(1));
  CHECK(host.member("postfix-out").health().health() == postmultid::model::Health::degraded);
  CHECK(host.member("postfix-out").outdated());
  CHECK(host.violations.empty());
}

TEST_CASE("who only observes leaves at once, and everything runs on") {
  VirtualHost host = observed();
  host.shut_down();
  CHECK(host.left);
  for (const std::string& id : kAll) CHECK(host.has_master(id));
  CHECK(host.violations.empty());
}

TEST_CASE("taken over, what runs is kept, and what is enabled and down is started in order") {
  VirtualHost host = observed();
  host.kill("postfix-out", 9);
  host.kill("postfix-in", 15);
  host.run(seconds(1));
  int primary = host.master_pid("-");
  host.log.clear();
  host.set_mode(Mode::manage);
  host.run(seconds(1));
  CHECK(who_became(host.log, "running") == Names{"postfix-out", "postfix-in"});
  CHECK(host.master_pid("-") == primary);
  host.kill("-", 9);
  host.run(seconds(1));
  CHECK(host.state("-") == State::running);
  CHECK(host.violations.empty());
}

TEST_CASE("handed back, nothing is touched any more, and what was being done is given up") {
  VirtualHost host = managed();
  host.behaviour["postfix-out"].answers = false;
  auto restart = host.request(Ask::restart, {"postfix-out"});  // its check hangs
  host.run(seconds(1));
  int pid = host.master_pid("postfix-out");
  host.behaviour["postfix-out"].answers = true;
  host.set_mode(Mode::observe);
  host.run(std::chrono::hours(1));
  CHECK(host.outcomes[restart]["postfix-out"] == Outcome::cancelled);
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.master_pid("postfix-out") == pid);
  host.kill("postfix-out", 9);
  host.run(std::chrono::hours(1));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.violations.empty());
}

TEST_CASE("a takeover clears up after who died while he was only observed") {
  VirtualHost host = observed();
  host.kill("postfix-out", 9);
  host.run(seconds(1));
  host.set_mode(Mode::manage);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.violations == Names{});
}

TEST_CASE("a handback that comes while all are being stopped changes nothing about that") {
  VirtualHost host = managed();
  host.behaviour["postfix-in"].heeds_sigterm = false;
  host.shut_down();
  host.set_mode(Mode::observe);
  CHECK_FALSE(host.left);
  CHECK_FALSE(host.fleet.observing());
  host.run(std::chrono::minutes(2));
  CHECK(host.left);
  for (const std::string& id : kAll) CHECK_FALSE(host.has_master(id));
}

TEST_CASE("a stop that keeps in mind who is wanted up ends all, and its counterpart starts just those") {
  VirtualHost host = managed();
  host.request(Ask::stop, {"postfix-out"});
  host.run(seconds(1));
  auto stop = host.request(Ask::stop, kAll, true, {.keep_desired = true});
  host.run(seconds(1));
  for (const std::string& id : kAll) CHECK_FALSE(host.has_master(id));
  CHECK(host.outcomes[stop]["-"] == Outcome::done);
  CHECK(host.member("-").suspended());
  CHECK_FALSE(host.member("postfix-out").suspended());
  auto start = host.request(Ask::start, kAll, true, {.keep_desired = true});
  host.run(seconds(1));
  CHECK(host.outcomes[start]["postfix-out"] == Outcome::skipped);
  CHECK(host.state("-") == State::running);
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK_FALSE(host.member("-").suspended());
  CHECK(host.violations.empty());
}

TEST_CASE("a second such stop forgets nobody, and a plain one does not keep anybody in mind") {
  VirtualHost host = managed();
  for (int i = 0; i < 2; ++i) {
    host.request(Ask::stop, kAll, true, {.keep_desired = true});
    host.run(seconds(1));
  }
  CHECK(host.member("-").suspended());
  host.request(Ask::stop, {"-"});
  host.run(seconds(1));
  CHECK_FALSE(host.member("-").suspended());
  CHECK(host.member("postfix-in").suspended());
}

TEST_CASE("a reload that keeps desired passes over who does not run") {
  VirtualHost host = managed();
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  auto reload = host.request(Ask::reload, kAll, true, {.keep_desired = true});
  host.run(seconds(5));
  CHECK(host.outcomes[reload]["-"] == Outcome::done);
  CHECK(host.outcomes[reload]["postfix-in"] == Outcome::skipped);
}
