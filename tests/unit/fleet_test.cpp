#include <doctest/doctest.h>

#include "virtual_host.hpp"

using namespace postmultid::test;
using Ask = postmultid::model::Action;
using Names = std::vector<std::string>;

namespace {

VirtualHost started(std::vector<MemberSpec> members = border_mail_server()) {
  VirtualHost host;
  host.inventory(std::move(members));
  host.run(seconds(1));
  return host;
}

}  // namespace

TEST_CASE("members start in order, each running before the next is launched") {
  VirtualHost host = started();
  CHECK(who_became(host.log, "running") == Names{"-", "postfix-out", "postfix-in"});
  auto position = [&](const std::string& line) { return std::find(host.log.begin(), host.log.end(), line); };
  CHECK(position("- running") < position("check postfix-out"));
  CHECK(position("postfix-out running") < position("check postfix-in"));
}

TEST_CASE("shutdown stops in the reverse order, each stopped before the next is signalled, then leaves") {
  VirtualHost host = started();
  host.log.clear();
  host.shut_down();
  host.run(seconds(1));
  CHECK(who_became(host.log, "stopped") == Names{"postfix-in", "postfix-out", "-"});
  CHECK(host.left);
  CHECK(host.violations.empty());
}

TEST_CASE("ungrouped members come before groups, groups by first appearance") {
  auto ordered = in_start_order({{{"-"}, "", true, {}, {}},
                                 {{"b1"}, "b", true, {}, {}},
                                 {{"a1"}, "a", true, {}, {}},
                                 {{"lone"}, "", true, {}, {}},
                                 {{"b2"}, "b", true, {}, {}}});
  Names ids;
  for (const MemberSpec& spec : ordered) ids.push_back(spec.id.text);
  CHECK(ids == Names{"-", "lone", "b1", "b2", "a1"});
}

TEST_CASE("a master killed by a signal is launched again at once, without a check, others untouched") {
  VirtualHost host = started();
  host.log.clear();
  host.kill("postfix-out", 9);
  host.settle();
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.log == Names{"postfix-out starting", "launch postfix-out", "postfix-out running"});
  CHECK(host.member("postfix-out").restarts() == 1);
}

TEST_CASE("a master ended by somebody's SIGTERM stays stopped and says so") {
  VirtualHost host = started();
  host.kill("postfix-out", 15);
  host.run();
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.member("postfix-out").stopped_outside());
  CHECK_FALSE(host.has_master("postfix-out"));
}

TEST_CASE("a member that fails to start holds the later ones of its group, and only those") {
  VirtualHost host;
  auto members = border_mail_server();
  members.push_back({{"postfix-other"}, "other", true, {}, {}});
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(members);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.state("postfix-in") == State::waiting);
  CHECK(host.fleet.blocker(host.member("postfix-in")) == &host.member("postfix-out"));
  CHECK(host.state("postfix-other") == State::running);

  host.behaviour["postfix-out"].check_ok = true;
  host.request(Ask::start, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("a member that dies later does not stop the others") {
  VirtualHost host = started();
  host.behaviour["postfix-out"].launch_ok = false;
  host.kill("postfix-out", 9);
  host.run(std::chrono::minutes(5));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("an operation on a held member ends with the blocker's name instead of waiting for ever") {
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  auto operation = host.request(Ask::start, {"postfix-in"});
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::failed);
  CHECK(host.messages["postfix-in"].find("postfix-out") != std::string::npos);
}

TEST_CASE("a master found running is adopted, not started") {
  VirtualHost host;
  host.start_by_hand("postfix-out");
  host.inventory(border_mail_server());
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(std::count(host.log.begin(), host.log.end(), "launch postfix-out") == 0);
}

TEST_CASE("a disabled member is not started with the others, but by name") {
  VirtualHost host = started({{{"-"}, "", true, {}, {}}, {{"postfix-off"}, "mta", false, {}, {}}});
  CHECK(host.state("postfix-off") == State::stopped);
  auto all = host.request(Ask::start, {"-", "postfix-off"}, false);
  host.settle();
  CHECK(host.outcomes[all]["postfix-off"] == Outcome::skipped);
  CHECK(host.outcomes[all]["-"] == Outcome::unchanged);
  auto named = host.request(Ask::start, {"postfix-off"});
  host.settle();
  CHECK(host.outcomes[named]["postfix-off"] == Outcome::done);
}

TEST_CASE("a restart whose check fails is refused and the old master never gets a signal") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].check_ok = false;
  host.log.clear();
  auto operation = host.request(Ask::restart, {"postfix-in"});
  host.run(seconds(1));
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::refused);
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.log == Names{"guard postfix-in"});
}

TEST_CASE("a group's restart stops all of it in reverse before it starts in order") {
  VirtualHost host = started();
  host.log.clear();
  auto operation = host.request(Ask::restart, {"postfix-out", "postfix-in"}, false);
  host.run(seconds(1));
  CHECK(host.outcomes[operation]["postfix-out"] == Outcome::done);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
  Names signals;
  for (const std::string& line : host.log)
    if (line.starts_with("term ") || line.starts_with("launch ")) signals.push_back(line);
  CHECK(signals == Names{"term postfix-in", "term postfix-out", "launch postfix-out", "launch postfix-in"});
}

TEST_CASE("a stop during a start is not lost, nor a start during a stop") {
  VirtualHost host;
  host.latency_max = milliseconds(100);
  host.inventory(border_mail_server());
  for (int i = 0; i < 40; ++i) {
    host.request(Ask::stop, {"postfix-in", "postfix-out"});
    host.run(milliseconds(i * 7));
    host.request(Ask::start, {"postfix-in", "postfix-out"});
    host.run(milliseconds(i * 5));
  }
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(10));
  CHECK(host.state("postfix-in") == State::stopped);
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.violations.empty());
}

TEST_CASE("a later request takes a member over: the earlier operation ends as superseded") {
  VirtualHost host;
  host.latency_max = milliseconds(100);
  host.inventory(border_mail_server());
  host.run(seconds(5));
  auto first = host.request(Ask::restart, {"postfix-in"});
  host.request(Ask::stop, {"postfix-in"});
  CHECK(host.outcomes[first]["postfix-in"] == Outcome::superseded);
}

TEST_CASE("a master that ignores SIGTERM gets SIGKILL after stop_timeout") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].heeds_sigterm = false;
  auto operation = host.request(Ask::stop, {"postfix-in"});
  host.run(Policy{}.stop_timeout - milliseconds(1));
  CHECK(host.has_master("postfix-in"));
  host.run(milliseconds(1));
  CHECK(host.state("postfix-in") == State::stopped);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
}

TEST_CASE("left-overs that ignore SIGTERM are killed after stop_grace, and only then is it stopped") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].sweeps = false;
  host.request(Ask::stop, {"postfix-in"});
  host.run(Policy{}.stop_grace - milliseconds(1));
  CHECK(host.state("postfix-in") == State::stopping);
  host.run(milliseconds(1));
  CHECK(host.state("postfix-in") == State::stopped);
}

TEST_CASE("a crash loop ends in failed after start_limit restarts and is retried slowly") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].ready = false;
  host.kill("postfix-in", 11);
  host.run(std::chrono::minutes(3));
  CHECK(host.state("postfix-in") == State::failed);
  CHECK(std::count(host.log.begin(), host.log.end(), "launch postfix-in") == 1 + 6);
  CHECK(host.member("postfix-in").next_at().has_value());
  host.behaviour["postfix-in"].ready = true;
  host.run(std::chrono::minutes(11));
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("reset-failed lets the next crash be answered at once") {
  VirtualHost host = started();
  for (int i = 0; i < 20; ++i) {
    host.kill("postfix-in", 9);
    host.settle();
    REQUIRE(host.state("postfix-in") == State::running);
    host.request(Ask::reset_failed, {"postfix-in"});
  }
}

TEST_CASE("work that never answers is abandoned at its limit") {
  VirtualHost host;
  host.behaviour["postfix-out"].answers = false;
  host.inventory(border_mail_server());
  host.run(seconds(11));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.state("-") == State::running);
}

TEST_CASE("something unproven in the way is reported and never signalled") {
  VirtualHost host;
  host.start_by_hand("postfix-out");
  host.behaviour["postfix-out"].foreign = true;
  host.inventory(border_mail_server());
  host.request(Ask::stop, {"postfix-out"});
  host.request(Ask::start, {"postfix-out"});
  host.request(Ask::stop, {"postfix-out"});
  host.run();
  CHECK(host.has_master("postfix-out"));
  CHECK(std::count(host.log.begin(), host.log.end(), "term postfix-out") == 0);
}

TEST_CASE("a member that leaves the inventory stays visible while it runs") {
  VirtualHost host = started();
  auto members = border_mail_server();
  members.pop_back();
  host.inventory(members);
  CHECK(host.state("postfix-in") == State::running);
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  host.inventory(members);
  CHECK(host.fleet.find({"postfix-in"}) == nullptr);
}

TEST_CASE("a stop of what seems stopped looks first: a master that somebody started by hand is ended") {
  VirtualHost host = started();
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  host.start_by_hand("postfix-in");
  auto operation = host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
  CHECK_FALSE(host.has_master("postfix-in"));
  auto again = host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  CHECK(host.outcomes[again]["postfix-in"] == Outcome::unchanged);
}

TEST_CASE("a member that is broken from the beginning but runs is adopted, and a stop ends it") {
  VirtualHost host;
  host.start_by_hand("postfix-out");
  auto members = border_mail_server();
  members[1].broken = Fault{postmultid::model::FailureClass::config, "config-unreadable", "bad", ""};
  host.inventory(members);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  host.request(Ask::stop, {"postfix-out"});
  host.run(seconds(1));
  CHECK_FALSE(host.has_master("postfix-out"));
}

TEST_CASE("files that break while a new daemon looks for the master do not hide the master") {
  VirtualHost host = started();
  auto members = border_mail_server();
  int pid = host.master_pid("postfix-out");
  host.latency_max = milliseconds(100);
  host.restart_daemon(members);
  members[1].broken = Fault{postmultid::model::FailureClass::config, "config-unreadable", "bad", ""};
  host.inventory(members);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.member("postfix-out").pid() == pid);
}

TEST_CASE("a member in conflict with another is never looked for: its place is the other's") {
  VirtualHost host;
  host.start_by_hand("postfix-out");
  auto members = border_mail_server();
  members[1].broken = Fault{postmultid::model::FailureClass::config, "conflict", "same queue", ""};
  members[1].examinable = false;
  host.inventory(members);
  host.request(Ask::stop, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.has_master("postfix-out"));
}

TEST_CASE("an inventory that is read during the shutdown does not keep it from ending") {
  VirtualHost host = started();
  host.latency_max = milliseconds(100);
  host.shut_down();
  auto members = border_mail_server();
  members.push_back({{"postfix-new"}, "mta", true, {}, {}});
  host.inventory(members);
  host.run(seconds(10));
  CHECK(host.left);
}

TEST_CASE("what cannot be read is read again by itself") {
  VirtualHost host;
  auto members = border_mail_server();
  members[1].broken = Fault{postmultid::model::FailureClass::config, "config-unreadable", "bad", ""};
  host.inventory(members);
  host.run(std::chrono::minutes(11));
  CHECK(std::count(host.log.begin(), host.log.end(), "reread") == 1);
}

TEST_CASE("a start is refused while everything is being stopped") {
  VirtualHost host;
  host.latency_max = milliseconds(50);
  host.inventory(border_mail_server());
  host.run(seconds(5));
  host.shut_down();
  auto operation = host.request(Ask::start, {"postfix-in"});
  host.run(seconds(5));
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::refused);
  CHECK(host.left);
}

TEST_CASE("a reload is guarded, leaves the master as it is, and says so") {
  VirtualHost host = started();
  host.log.clear();
  auto reload = host.request(Ask::reload, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.log == Names{"guard postfix-out", "postfix-out reloading", "reload postfix-out", "postfix-out running"});
  CHECK(host.outcomes[reload]["postfix-out"] == Outcome::done);
  CHECK(host.steps[reload]["postfix-out"] == Names{"vetting", "reloading", "running"});
}

TEST_CASE("a reload that the guard refuses sends no signal") {
  VirtualHost host = started();
  host.behaviour["postfix-out"].check_ok = false;
  host.log.clear();
  auto reload = host.request(Ask::reload, {"postfix-out"});
  host.run(seconds(1));
  CHECK(std::count(host.log.begin(), host.log.end(), "reload postfix-out") == 0);
  CHECK(host.outcomes[reload]["postfix-out"] == Outcome::refused);
  CHECK(host.state("postfix-out") == State::running);
}

TEST_CASE("a master that a reload kills is started again, and the reload has failed") {
  VirtualHost host = started();
  host.behaviour["postfix-out"].reload_kills = true;
  auto reload = host.request(Ask::reload, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.outcomes[reload]["postfix-out"] == Outcome::failed);
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.member("postfix-out").restarts() == 1);
}

TEST_CASE("a reload of what is not running says so") {
  VirtualHost host = started();
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  auto reload = host.request(Ask::reload, {"postfix-in"});
  CHECK(host.outcomes[reload]["postfix-in"] == Outcome::failed);
  CHECK(host.messages["postfix-in"] == "is not running");
}

TEST_CASE("a reload asked for while the master is starting is done when it is ready") {
  VirtualHost host;
  host.latency_max = milliseconds(50);
  host.inventory(border_mail_server());
  while (host.member("postfix-out").phase() != Phase::proving) host.run(milliseconds(1));
  auto reload = host.request(Ask::reload, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.outcomes[reload]["postfix-out"] == Outcome::done);
  CHECK(std::count(host.log.begin(), host.log.end(), "reload postfix-out") == 1);
}

TEST_CASE("an abort waits for nobody and kills what does not go at once") {
  VirtualHost host = started();
  host.behaviour["-"].heeds_sigterm = false;
  host.behaviour["-"].sweeps = false;
  auto abort = host.request(Ask::abort, {"-"});
  host.run(seconds(3));
  CHECK(host.outcomes[abort]["-"] == Outcome::done);
  CHECK(host.state("-") == State::stopped);
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("a master started by hand is adopted: after a stop, after a failure, and of a disabled member") {
  VirtualHost host = started({{{"-"}, "", true, {}, {}}, {{"postfix-off"}, "", false, {}, {}}});
  host.request(Ask::stop, {"-"});
  host.run(seconds(1));
  for (const std::string id : {"-", "postfix-off"}) {
    REQUIRE(host.state(id) == State::stopped);
    host.start_by_hand(id);
    host.sighted(id);
    host.run(seconds(1));
    CHECK(host.state(id) == State::running);
    CHECK(host.member(id).desired() == postmultid::model::Desired::up);
  }
  CHECK(std::count(host.log.begin(), host.log.end(), "launch postfix-off") == 0);
  CHECK(host.violations.empty());
}

TEST_CASE("a stop asked for while somebody else's start is looked at ends that master, too") {
  VirtualHost host = started();
  host.kill("postfix-in", 15);
  host.run(seconds(1));
  host.latency_max = milliseconds(50);
  host.start_by_hand("postfix-in");
  host.sighted("postfix-in");
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(10));
  CHECK(host.state("postfix-in") == State::stopped);
  CHECK_FALSE(host.has_master("postfix-in"));
}

TEST_CASE("a refused configuration is tried again as soon as it was edited") {
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  REQUIRE(host.state("postfix-out") == State::failed);
  host.behaviour["postfix-out"].check_ok = true;
  host.edited("postfix-out");
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("members of a parallel group do not wait for each other, later groups do") {
  VirtualHost host;
  host.latency_max = milliseconds(20);
  host.inventory(
      {{{"-"}, "", true, {}, {}}, {{"a1"}, "a", true, {}, {}}, {{"a2"}, "a", true, {}, {}}, {{"b"}, "b", true, {}, {}}},
      {{"a", true, false}, {"b", false, false}});
  while (host.state("a1") != State::starting) host.run(milliseconds(1));
  CHECK(host.state("a2") == State::starting);
  CHECK(host.state("b") == State::waiting);
  host.run(seconds(5));
  CHECK(host.state("b") == State::running);
}

TEST_CASE("a required group holds the later groups, by name of the member that is missing") {
  VirtualHost host;
  host.behaviour["a1"].check_ok = false;
  host.inventory({{{"a1"}, "a", true, {}, {}}, {{"lone"}, "", true, {}, {}}, {{"b"}, "b", true, {}, {}}},
                 {{"a", false, true}});
  host.run(seconds(1));
  CHECK(host.state("lone") == State::running);
  CHECK(host.state("b") == State::waiting);
  CHECK(host.fleet.blocker(host.member("b")) == &host.member("a1"));
}

TEST_CASE("groups start in the order that was written, the primary before all") {
  auto ordered = in_start_order({{{"b1"}, "b", true, {}, {}},
                                 {{"lone"}, "", true, {}, {}},
                                 {{"a1"}, "a", true, {}, {}},
                                 {{"first"}, "b", true, {}, {}, true, true}},
                                {{"a"}, {"b"}});
  Names ids;
  for (const MemberSpec& spec : ordered) ids.push_back(spec.id.text);
  CHECK(ids == Names{"first", "lone", "a1", "b1"});
}

TEST_CASE("a cancelled start leaves what waits, and lets go on what has begun") {
  VirtualHost host = started();
  host.request(Ask::stop, {"-", "postfix-out", "postfix-in"});
  host.run(seconds(5));
  host.latency_max = milliseconds(50);
  auto start = host.request(Ask::start, {"-", "postfix-out", "postfix-in"});
  while (host.member("-").phase() != Phase::checking) host.run(milliseconds(1));
  host.cancel(start);
  host.run(seconds(5));
  CHECK(host.outcomes[start]["-"] == Outcome::done);
  CHECK(host.outcomes[start]["postfix-out"] == Outcome::cancelled);
  CHECK(host.state("postfix-in") == State::stopped);
}

TEST_CASE("a cancelled start does not take away what was wanted before") {
  VirtualHost host;
  host.latency_max = milliseconds(50);
  host.inventory(border_mail_server());
  auto start = host.request(Ask::start, {"-", "postfix-out", "postfix-in"});
  host.run(milliseconds(60));
  REQUIRE(host.state("postfix-in") == State::waiting);
  host.cancel(start);
  host.run(seconds(10));
  CHECK(host.outcomes[start]["postfix-in"] == Outcome::cancelled);
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("who asks for what is asked for already gets the same answer; another wish takes it over") {
  VirtualHost host = started();
  host.latency_max = milliseconds(50);
  auto first = host.request(Ask::stop, {"-", "postfix-out", "postfix-in"});
  auto second = host.request(Ask::stop, {"postfix-out"});
  host.run(milliseconds(10));
  auto third = host.request(Ask::start, {"-"});
  host.run(seconds(10));
  CHECK(host.outcomes[first]["postfix-out"] == Outcome::done);
  CHECK(host.outcomes[second]["postfix-out"] == Outcome::done);
  CHECK(host.outcomes[first]["-"] == Outcome::superseded);
  CHECK(host.outcomes[third]["-"] != Outcome::superseded);
}

TEST_CASE("a member that nobody lists any more runs on, and is not started again") {
  VirtualHost host = started();
  auto fewer = border_mail_server();
  fewer.pop_back();
  host.inventory(fewer);
  CHECK(host.state("postfix-in") == State::running);
  host.kill("postfix-in", 9);
  host.run(std::chrono::minutes(30));
  CHECK(host.state("postfix-in") == State::failed);
  CHECK_FALSE(host.has_master("postfix-in"));
}

TEST_CASE("a companion that somebody else stopped is swept before it is called stopped") {
  VirtualHost host = started({{{"filter"}, "mta", true, {}, {}, true, false, true}});
  host.behaviour["filter"].sweeps = false;
  host.kill("filter", 15);
  CHECK(host.state("filter") == State::stopping);
  host.run(std::chrono::minutes(1));
  CHECK(host.state("filter") == State::stopped);
  CHECK(host.member("filter").stopped_outside());
}

TEST_CASE("flush, check and enable are errands: they leave every state as it is") {
  VirtualHost host = started();
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  host.log.clear();
  auto flush = host.request(Ask::flush, {"postfix-out", "postfix-in"});
  auto enable = host.request(Ask::enable, {"postfix-in"});
  auto disable = host.request(Ask::disable, {"postfix-out"});
  host.run(seconds(1));
  CHECK(host.outcomes[flush]["postfix-out"] == Outcome::done);
  CHECK(host.outcomes[flush]["postfix-in"] == Outcome::failed);
  CHECK(host.outcomes[enable]["postfix-in"] == Outcome::done);
  CHECK(host.outcomes[disable]["postfix-out"] == Outcome::done);
  CHECK(host.state("postfix-out") == State::running);
}

TEST_CASE("what does not concern a companion is passed over in a group, and refused by name") {
  VirtualHost host =
      started({{{"-"}, "", true, {}, {}, true, true}, {{"filter"}, "mta", true, {}, {}, true, false, true}});
  auto all = host.request(Ask::reload, {"-", "filter"}, false);
  auto named = host.request(Ask::reload, {"filter"});
  auto primary = host.request(Ask::disable, {"-"});
  host.run(seconds(1));
  CHECK(host.outcomes[all]["-"] == Outcome::done);
  CHECK(host.outcomes[all]["filter"] == Outcome::skipped);
  CHECK(host.outcomes[named]["filter"] == Outcome::refused);
  CHECK(host.outcomes[primary]["-"] == Outcome::refused);
}

TEST_CASE("with --no-hold a member starts beside one that has failed, but not before one that is on its way") {
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  REQUIRE(host.state("postfix-in") == State::waiting);

  host.behaviour["postfix-out"].answers = false;
  host.request(Ask::start, {"postfix-out"});
  auto operation = host.request(Ask::start, {"postfix-in"}, true, {.hold = false});
  host.run(seconds(1));
  CHECK(host.state("postfix-in") == State::waiting);

  // Its check hangs until start_timeout is over.
  host.run(std::chrono::minutes(3));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
}

TEST_CASE("--no-hold is about one start, not about the next") {
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  host.request(Ask::start, {"postfix-in"}, true, {.hold = false});
  host.run(seconds(1));
  REQUIRE(host.state("postfix-in") == State::running);
  host.request(Ask::stop, {"postfix-in"});
  host.run(seconds(1));
  host.request(Ask::start, {"postfix-in"});
  host.run(seconds(1));
  CHECK(host.state("postfix-in") == State::waiting);
}

TEST_CASE("a rolling restart touches one member at a time, the next when the last is ready again") {
  VirtualHost host = started();
  host.log.clear();
  auto operation = host.request(Ask::restart, {"postfix-in", "-", "postfix-out"}, false, {.rolling = true});
  host.run(seconds(1));
  CHECK(who_became(host.log, "stopping") == Names{"-", "postfix-out", "postfix-in"});
  auto position = [&](const std::string& line) { return std::find(host.log.begin(), host.log.end(), line); };
  CHECK(position("- running") < position("term postfix-out"));
  CHECK(position("postfix-out running") < position("term postfix-in"));
  for (const char* id : {"-", "postfix-out", "postfix-in"}) CHECK(host.outcomes[operation][id] == Outcome::done);
}

TEST_CASE("a rolling restart ends with the first member that is not ready again") {
  VirtualHost host = started();
  SUBCASE("because its guard refuses") { host.behaviour["postfix-out"].check_ok = false; }
  SUBCASE("because it does not start") { host.behaviour["postfix-out"].launch_ok = false; }
  host.log.clear();
  auto operation = host.request(Ask::restart, {"-", "postfix-out", "postfix-in"}, false, {.rolling = true});
  host.run(seconds(1));
  CHECK(host.outcomes[operation]["-"] == Outcome::done);
  CHECK(host.outcomes[operation]["postfix-out"] != Outcome::done);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::cancelled);
  CHECK(host.messages["postfix-in"].find("postfix-out") != std::string::npos);
  CHECK(std::count(host.log.begin(), host.log.end(), "term postfix-in") == 0);
}

TEST_CASE("a rolling restart goes by the options that it was asked with") {
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  // postfix-in is held by postfix-out, which has failed.
  auto operation =
      host.request(Ask::restart, {"-", "postfix-in"}, true, {.hold = false, .rolling = true, .deadline = {}});
  host.run(seconds(1));
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
}

TEST_CASE("what runs replaced programs is restarted one by one, once, and only what is wanted up") {
  VirtualHost host = started();
  host.log.clear();
  std::vector<MemberId> all{{"postfix-in"}, {"-"}, {"postfix-out"}};
  SUBCASE("by default") {
    host.replace_programs(all);
    CHECK(host.member("postfix-in").outdated());
    host.replace_programs(all);
    host.run(seconds(10));
    CHECK(who_became(host.log, "stopping") == Names{"-", "postfix-out", "postfix-in"});
    CHECK(std::count(host.log.begin(), host.log.end(), "launch -") == 1);
    CHECK_FALSE(host.member("postfix-in").outdated());
  }
  SUBCASE("but not where the policy only wants to know") {
    auto members = border_mail_server();
    for (MemberSpec& member : members) member.policy.on_upgrade = UpgradeRule::flag;
    host.inventory(members);
    host.replace_programs(all);
    host.run(seconds(10));
    CHECK(host.log.empty());
    CHECK(host.member("postfix-in").outdated());
  }
  SUBCASE("and the first that does not pass its check ends it") {
    host.behaviour["postfix-out"].check_ok = false;
    host.replace_programs(all);
    host.run(seconds(10));
    CHECK_FALSE(host.member("-").outdated());
    CHECK(host.member("postfix-out").outdated());
    CHECK(host.member("postfix-in").outdated());
    CHECK(host.state("postfix-out") == State::running);
  }
}

TEST_CASE("an upgrade whose restart was refused is asked for again by the next one") {
  VirtualHost host = started();
  host.behaviour["postfix-out"].check_ok = false;
  host.replace_programs({{"postfix-out"}});
  host.run(seconds(1));
  REQUIRE(host.member("postfix-out").outdated());
  host.behaviour["postfix-out"].check_ok = true;
  host.replace_programs({{"postfix-out"}});
  host.run(seconds(1));
  CHECK_FALSE(host.member("postfix-out").outdated());
  CHECK(host.state("postfix-out") == State::running);
}

TEST_CASE("an upgrade that is noticed twice is one restart of each") {
  VirtualHost host = started();
  host.latency_max = milliseconds(50);
  std::vector<MemberId> all{{"-"}, {"postfix-out"}, {"postfix-in"}};
  host.replace_programs(all);
  while (host.state("-") != State::stopping && host.state("-") != State::starting) host.run(milliseconds(1));
  host.replace_programs({{"postfix-out"}, {"postfix-in"}});
  host.run(seconds(10));
  CHECK(host.outcomes.size() == 1);
  for (const MemberId& member : all) {
    CHECK(std::count(host.log.begin(), host.log.end(), "launch " + member.text) == 2);
    CHECK_FALSE(host.member(member.text).outdated());
  }
}

TEST_CASE("who is not listed any more waits for nothing") {
  using postmultid::model::Missing;
  VirtualHost host;
  host.behaviour["postfix-out"].missing = Missing::answer;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  REQUIRE(host.state("postfix-out") == State::failed);
  REQUIRE(host.works("postfix-out"));  // it waits for an answer
  host.inventory({{{"-"}, "", true, {}, {}}, {{"postfix-in"}, "mta", true, {}, {}}});
  CHECK(std::count(host.log.begin(), host.log.end(), "forget postfix-out") == 1);
  CHECK_FALSE(host.works("postfix-out"));
}

TEST_CASE("who is stopped by somebody else before a rolling restart comes to him stays stopped") {
  VirtualHost host = started();
  host.latency_max = milliseconds(50);
  auto operation = host.request(Ask::restart, {"-", "postfix-out", "postfix-in"}, true, {.rolling = true});
  host.run(milliseconds(1));
  REQUIRE(host.state("postfix-out") == State::running);
  host.kill("postfix-out", 15);
  host.run(seconds(10));
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.outcomes[operation]["postfix-out"] == Outcome::unchanged);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
}

TEST_CASE("who is stopped by somebody else before an upgrade's restarts come to him stays stopped") {
  VirtualHost host = started();
  host.latency_max = milliseconds(50);
  host.replace_programs({{"-"}, {"postfix-out"}, {"postfix-in"}});
  while (host.state("-") != State::stopping && host.state("-") != State::starting) host.run(milliseconds(1));
  host.kill("postfix-out", 15);
  host.run(seconds(10));
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK_FALSE(host.member("-").outdated());
  CHECK_FALSE(host.member("postfix-in").outdated());
}

TEST_CASE("what a rolling restart has not come to can be stopped, restarted or cancelled meanwhile") {
  VirtualHost host = started();
  host.latency_max = milliseconds(50);
  auto operation = host.request(Ask::restart, {"-", "postfix-out", "postfix-in"}, false, {.rolling = true});
  SUBCASE("stopped") {
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(10));
    CHECK(host.outcomes[operation]["postfix-in"] == Outcome::superseded);
    CHECK(host.state("postfix-in") == State::stopped);
    CHECK(host.outcomes[operation]["postfix-out"] == Outcome::done);
  }
  SUBCASE("cancelled") {
    host.cancel(operation);
    host.run(seconds(10));
    CHECK(host.outcomes[operation]["postfix-out"] == Outcome::cancelled);
    CHECK(host.outcomes[operation]["postfix-in"] == Outcome::cancelled);
    CHECK(host.state("-") == State::running);
  }
  SUBCASE("overtaken by shutdown") {
    host.shut_down();
    host.run(seconds(100));
    CHECK(host.left);
    CHECK(host.outcomes[operation].size() == 3);
  }
}

TEST_CASE("no more checks run at a time than there are places, and their limits begin with the place") {
  std::vector<MemberSpec> members{{{"-"}, "", true, {}, {}}};
  for (int i = 0; i < 20; ++i) members.push_back({{"postfix-" + std::to_string(i)}, "mta", true, {}, {}});
  VirtualHost host(1, 3);
  host.inventory(members, {{"mta", true, false}});
  host.run(seconds(1));
  for (const MemberSpec& member : members) host.behaviour[member.id.text].answers = false;
  host.log.clear();
  std::vector<std::string> ids;
  for (std::size_t i = 1; i < members.size(); ++i) ids.push_back(members[i].id.text);
  auto operation = host.request(Ask::reload, ids);
  auto checks = [&] {
    return std::count_if(host.log.begin(), host.log.end(),
                         [](const std::string& line) { return line.starts_with("guard "); });
  };
  host.settle();
  CHECK(checks() == 3);
  CHECK(host.fleet.waits_for_check(host.member("postfix-5")));
  // Each hangs for its whole start_timeout of two minutes: 20 of them, 3 at a time.
  host.run(std::chrono::minutes(13));
  CHECK(host.outcomes[operation].size() == 18);
  host.run(std::chrono::minutes(2));
  CHECK(checks() == 20);
  CHECK(host.outcomes[operation].size() == 20);
}

TEST_CASE("checks that somebody asks for wait for a place like all others") {
  std::vector<MemberSpec> members{{{"-"}, "", true, {}, {}}};
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back("postfix-" + std::to_string(i));
  for (const std::string& id : ids) members.push_back({{id}, "mta", true, {}, {}});
  auto without_idle = members;
  members.push_back({{"idle"}, "mta", false, {}, {}});
  VirtualHost host(1, 3);
  host.inventory(members, {{"mta", true, false}});
  host.run(seconds(1));
  host.log.clear();
  // The make-believe host answers within a moment; here nobody does, until we say so.
  std::vector<Errand> running;
  auto tell = [&](const Event& event) {
    std::vector<Concluded> concluded;
    for (const Action& action : host.fleet.handle(event, host.now()))
      if (const auto* errand = std::get_if<Errand>(&action))
        running.push_back(*errand);
      else if (const auto* done = std::get_if<Concluded>(&action))
        concluded.push_back(*done);
    return concluded;
  };
  std::vector<MemberId> asked;
  for (const std::string& id : ids) asked.push_back({id});
  tell(Requested{{100}, Ask::check, asked, true});
  CHECK(running.size() == 3);
  tell(Requested{{101}, Ask::check, {{"-"}}, true});
  tell(Requested{{102}, Ask::check, {{"idle"}}, true});
  CHECK(running.size() == 3);
  SUBCASE("each that is done makes place for one") {
    for (std::size_t done = 0; done < 22; ++done) {
      CHECK(running.size() == std::min<std::size_t>(done + 3, 22));
      CHECK(tell(ErrandDone{running[done].operation, running[done].id, Outcome::done, ""}).size() == 1);
    }
  }
  SUBCASE("cancelled, those in line have their end at once, and who comes behind them his turn") {
    auto ended = tell(Cancelled{{100}});
    REQUIRE(ended.size() == 17);
    CHECK(ended.front().outcome == Outcome::cancelled);
    tell(ErrandDone{{100}, running.front().id, Outcome::done, ""});
    CHECK(running.back().id == MemberId{"-"});
  }
  SUBCASE("who is not listed any more is not checked, and that is said") {
    auto ended = tell(InventoryRead{without_idle, {{"mta", true, false}}});
    REQUIRE(ended.size() == 1);
    CHECK(ended.front().operation == OperationId{102});
    CHECK(ended.front().outcome == Outcome::failed);
  }
  SUBCASE("at the end of the daemon nothing is begun") {
    CHECK(tell(ShutdownRequested{}).size() == 19);
    CHECK(running.size() == 3);
  }
}

TEST_CASE("a drain kills the master, waits for what is under way, and ends stopped with evidence") {
  VirtualHost host = started();
  host.log.clear();
  host.behaviour["postfix-in"].answers = false;
  auto operation = host.request(Ask::drain, {"postfix-in", "postfix-out"}, true, {.deadline = seconds(30)});
  host.settle();
  CHECK(host.state("postfix-in") == State::draining);
  CHECK_FALSE(host.has_master("postfix-in"));
  CHECK(host.state("postfix-out") == State::running);  // its turn is when that is done
  SUBCASE("it is done") {
    host.behaviour["postfix-in"].answers = true;
    host.run(seconds(31));
  }
  SUBCASE("the deadline comes") {
    host.run(seconds(29));
    CHECK(host.state("postfix-in") == State::draining);
    host.behaviour["postfix-in"].answers = true;
    host.run(seconds(2));
  }
  CHECK(host.state("postfix-in") == State::stopped);
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.outcomes[operation]["postfix-in"] == Outcome::done);
  CHECK(host.outcomes[operation]["postfix-out"] == Outcome::done);
  CHECK(host.member("postfix-in").last_exit()->cause == postmultid::model::ExitCause::requested);
}

TEST_CASE("a master that dies while its drain waits for its turn is drained all the same") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].answers = false;
  host.request(Ask::drain, {"postfix-in", "postfix-out"});
  host.settle();
  REQUIRE(host.state("postfix-in") == State::draining);
  host.behaviour["postfix-out"].answers = false;
  host.kill("postfix-out", 11);
  CHECK(host.state("postfix-out") == State::draining);
  CHECK(host.member("postfix-out").next_at() == host.now() + std::chrono::minutes(10));
  CHECK(host.violations.empty());
}

TEST_CASE("a drain gives way to a stop, an abort and a start") {
  VirtualHost host = started();
  host.behaviour["postfix-in"].answers = false;
  host.request(Ask::drain, {"postfix-in"});
  host.settle();
  REQUIRE(host.state("postfix-in") == State::draining);
  host.behaviour["postfix-in"].answers = true;
  SUBCASE("stop") {
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    CHECK(host.state("postfix-in") == State::stopped);
  }
  SUBCASE("abort") {
    host.request(Ask::abort, {"postfix-in"});
    host.run(seconds(1));
    CHECK(host.state("postfix-in") == State::stopped);
  }
  SUBCASE("start") {
    host.request(Ask::start, {"postfix-in"});
    host.run(seconds(1));
    CHECK(host.state("postfix-in") == State::running);
  }
  CHECK(host.violations.empty());
}

TEST_CASE("who is started again while a drain has just begun does not listen beside those who finish") {
  VirtualHost host = started();
  host.kill("postfix-in", 9);  // after a crash a start does without `postfix check`
  host.run(seconds(1));
  host.behaviour["postfix-in"].answers = false;
  host.request(Ask::drain, {"postfix-in"});
  host.settle();
  REQUIRE(host.state("postfix-in") == State::draining);
  host.behaviour["postfix-in"].answers = true;
  SUBCASE("start") { host.request(Ask::start, {"postfix-in"}); }
  SUBCASE("restart") { host.request(Ask::restart, {"postfix-in"}); }
  host.run(seconds(1));
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.violations.empty());
}

TEST_CASE("what is missing around a member is waited for, not tried again and again") {
  using postmultid::model::Missing;
  VirtualHost host;
  host.behaviour["postfix-out"].missing = Missing::address;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::failed);
  host.log.clear();
  host.surroundings_changed(Missing::mount);
  host.run(seconds(1));
  CHECK(host.log.empty());

  host.surroundings_changed(Missing::address);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::failed);  // it was another address

  host.behaviour["postfix-out"].missing = Missing::nothing;
  SUBCASE("its event comes") { host.surroundings_changed(Missing::address); }
  SUBCASE("no event comes") { host.run(std::chrono::minutes(1)); }
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
  CHECK(host.state("postfix-in") == State::running);
}

TEST_CASE("a crash into missing surroundings does not use up the start limit") {
  using postmultid::model::Missing;
  VirtualHost host = started();
  host.behaviour["postfix-out"].missing = Missing::mount;
  host.kill("postfix-out", 9);
  host.run(std::chrono::hours(3));
  CHECK(host.state("postfix-out") == State::failed);
  host.behaviour["postfix-out"].missing = Missing::nothing;
  host.surroundings_changed(Missing::mount);
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::running);
}

TEST_CASE("a stop is never lost while something is missing") {
  using postmultid::model::Missing;
  VirtualHost host;
  host.behaviour["postfix-out"].missing = Missing::port;
  host.inventory(border_mail_server());
  host.run(seconds(1));
  auto stop = host.request(Ask::stop, {"postfix-out"});
  host.behaviour["postfix-out"].missing = Missing::nothing;
  host.surroundings_changed(Missing::port);
  host.run(std::chrono::hours(1));
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.outcomes[stop]["postfix-out"] == Outcome::unchanged);  // it never ran
}

TEST_CASE("a start that nobody wants any more is ended as soon as its master is proved, ready or not") {
  VirtualHost host;
  host.behaviour["postfix-out"].gets_ready = false;
  host.latency_max = milliseconds(20);
  host.inventory(border_mail_server());
  while (host.member("postfix-out").phase() != Phase::proving) host.run(milliseconds(1));
  std::uint64_t stop = 0;
  SUBCASE("asked before it is proved") { stop = host.request(Ask::stop, {"postfix-out"}); }
  SUBCASE("asked after") {
    host.run(seconds(1));
    stop = host.request(Ask::stop, {"postfix-out"});
  }
  SUBCASE("an abort") { stop = host.request(Ask::abort, {"postfix-out"}); }
  host.run(seconds(1));
  CHECK(host.state("postfix-out") == State::stopped);
  CHECK(host.outcomes[stop]["postfix-out"] == Outcome::done);
  CHECK(host.violations.empty());
}

TEST_CASE("who lacks an answer is failed until somebody has heard one: no timer hides that") {
  using postmultid::model::Missing;
  VirtualHost host = started();
  host.behaviour["postfix-out"].missing = Missing::answer;
  host.log.clear();
  host.lose("postfix-out", Missing::answer);
  host.run(std::chrono::hours(3));
  CHECK(host.state("postfix-out") == State::failed);
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.member("postfix-out").fault()->message.ends_with(" is lost"));
  CHECK(std::find(host.log.begin(), host.log.end(), "check postfix-out") == host.log.end());

  host.behaviour["postfix-out"].missing = Missing::nothing;
  SUBCASE("heard") {
    host.relieve("postfix-out");
    host.run(seconds(1));
    CHECK(host.state("postfix-out") == State::running);
  }
  SUBCASE("not wanted any more") {
    host.request(Ask::stop, {"postfix-out"});
    host.run(seconds(1));
    CHECK(host.state("postfix-out") == State::stopped);
    host.relieve("postfix-out");
    host.run(seconds(1));
    CHECK(host.state("postfix-out") == State::stopped);
  }
  CHECK(host.violations.empty());
}

TEST_CASE("the next daemon goes on where the last one ended") {
  VirtualHost host = started();
  auto members = border_mail_server();
  auto restart = [&] {
    host.log.clear();
    host.restart_daemon(members);
    host.run(std::chrono::minutes(1));
  };
  auto log_has = [&](const char* line) { return std::count(host.log.begin(), host.log.end(), line) > 0; };

  SUBCASE("masters that run are adopted, and not touched") {
    restart();
    CHECK(who_became(host.log, "running") == std::vector<std::string>{"-", "postfix-out", "postfix-in"});
    CHECK_FALSE(log_has("launch postfix-out"));
    CHECK_FALSE(log_has("term postfix-out"));
  }
  SUBCASE("who was stopped stays stopped") {
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
    CHECK(host.state("postfix-out") == State::running);
  }
  SUBCASE("who was stopped, and was started by somebody while no daemon ran, runs") {
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    host.start_by_hand("postfix-in");
    restart();
    CHECK(host.state("postfix-in") == State::running);
  }
  SUBCASE("a stop in the middle of its way is gone on with, for whoever asked for it") {
    host.behaviour["postfix-in"].heeds_sigterm = false;
    auto stop = host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    REQUIRE(host.state("postfix-in") == State::stopping);
    host.behaviour["postfix-in"].heeds_sigterm = true;
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
    CHECK_FALSE(host.has_master("postfix-in"));
    CHECK(host.outcomes[stop]["postfix-in"] == Outcome::done);
  }
  SUBCASE("what a stop has not swept yet is swept") {
    host.behaviour["postfix-in"].sweeps = false;
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    REQUIRE(host.state("postfix-in") == State::stopping);
    host.behaviour["postfix-in"].sweeps = true;
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
  }
  SUBCASE("a drain stays a drain") {
    host.behaviour["postfix-in"].drains = false;
    auto drain = host.request(Ask::drain, {"postfix-in"});
    host.run(seconds(1));
    REQUIRE(host.state("postfix-in") == State::draining);
    restart();
    CHECK(host.state("postfix-in") == State::draining);
    host.behaviour["postfix-in"].drains = true;
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
    CHECK(host.outcomes[drain]["postfix-in"] == Outcome::done);
  }
  SUBCASE("masters that died while no daemon ran are started again, in order") {
    host.die_unseen("postfix-out");
    host.die_unseen("postfix-in");
    restart();
    CHECK(who_became(host.log, "running") == std::vector<std::string>{"-", "postfix-out", "postfix-in"});
  }
  SUBCASE("who was stopped by somebody else while no daemon ran stays stopped") {
    host.be_stopped_unseen("postfix-in");
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
    CHECK(host.member("postfix-in").stopped_outside());
    CHECK_FALSE(log_has("launch postfix-in"));
  }
  SUBCASE("a restart whose daemon dies before the master has ended is finished") {
    host.behaviour["postfix-in"].heeds_sigterm = false;
    host.request(Ask::restart, {"postfix-in"});
    host.run(seconds(1));
    REQUIRE(host.state("postfix-in") == State::stopping);
    int before = host.master_pid("postfix-in");
    SUBCASE("... and goes on slowly") { host.behaviour["postfix-in"].heeds_sigterm = true; }
    SUBCASE("... and ends unseen") { host.be_stopped_unseen("postfix-in"); }
    restart();
    CHECK(host.state("postfix-in") == State::running);
    CHECK(host.master_pid("postfix-in") != before);
  }
  SUBCASE("an ordered stop of all is no wish about anybody") {
    host.request(Ask::stop, {"postfix-in"});
    host.run(seconds(1));
    host.shut_down();
    host.run(seconds(10));
    REQUIRE(host.left);
    restart();
    CHECK(host.state("postfix-out") == State::running);
    CHECK(host.state("postfix-in") == State::stopped);
  }
  SUBCASE("who was disabled meanwhile is heard, where nobody has said more") {
    host.shut_down();
    host.run(seconds(10));
    members[2].enabled = false;
    restart();
    CHECK(host.state("postfix-in") == State::stopped);
  }
  SUBCASE("the start limit holds over daemons") {
    host.behaviour["postfix-in"].launch_ok = false;
    host.kill("postfix-in", 9);
    host.run(std::chrono::minutes(2));
    REQUIRE(host.state("postfix-in") == State::failed);
    auto restarts = host.member("postfix-in").restarts();
    restart();
    CHECK(host.state("postfix-in") == State::failed);
    CHECK(host.member("postfix-in").restarts() <= restarts + 1);
    CHECK_FALSE(host.member("postfix-in").past_failures().empty());
  }
  SUBCASE("a restart that had not begun is not made up for") {
    host.behaviour["postfix-in"].answers = false;  // its guard hangs
    auto operation = host.request(Ask::restart, {"postfix-in"});
    host.run(milliseconds(10));
    host.behaviour["postfix-in"].answers = true;
    restart();
    CHECK(host.state("postfix-in") == State::running);
    CHECK_FALSE(log_has("term postfix-in"));
    CHECK(host.outcomes[operation]["postfix-in"] == Outcome::failed);
  }
  CHECK(host.violations == std::vector<std::string>{});
}
