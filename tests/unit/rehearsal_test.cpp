#include <doctest/doctest.h>

#include "supervision/rehearsal.hpp"
#include "virtual_host.hpp"

using namespace postmultid::test;
using Ask = postmultid::model::Action;

namespace {

Rehearsal play(const VirtualHost& host, Ask action, const std::vector<std::string>& ids, bool named = true,
               postmultid::model::OperationOptions options = {}) {
  Requested request{{}, action, {}, named, options};
  for (const std::string& id : ids) request.members.push_back({id});
  return rehearse(host.fleet, std::move(request), host.now());
}

std::string steps_of(const Rehearsal& played) {
  std::string text;
  for (const RehearsedStep& step : played.steps) text += (text.empty() ? "" : ", ") + step.id.text + " " + step.step;
  return text;
}

std::vector<std::string> conclusions_of(const Rehearsal& played) {
  std::vector<std::string> lines;
  for (const Concluded& each : played.conclusions)
    lines.push_back(each.id.text + " " + postmultid::model::to_word(each.outcome) +
                    (each.message.empty() ? "" : ": " + each.message));
  return lines;
}

VirtualHost running() {
  VirtualHost host;
  host.inventory(border_mail_server());
  host.run();
  return host;
}

}  // namespace

TEST_CASE("a rehearsed stop goes through the members in reverse order") {
  VirtualHost host = running();
  Rehearsal played = play(host, Ask::stop, {"postfix-out", "postfix-in"});
  CHECK(played.complete);
  CHECK(steps_of(played) ==
        "postfix-out leaving, postfix-in leaving, postfix-in terminating, postfix-in sweeping, postfix-in stopped, "
        "postfix-out terminating, postfix-out sweeping, postfix-out stopped");
  CHECK(conclusions_of(played) == std::vector<std::string>{"postfix-in done", "postfix-out done"});
}

TEST_CASE("a rehearsal changes nothing") {
  VirtualHost host = running();
  auto attempt = host.member("postfix-in").attempt();
  auto ignored = host.fleet.ignored();
  host.log.clear();
  for (Ask action : {Ask::start, Ask::stop, Ask::restart, Ask::reload, Ask::abort, Ask::drain, Ask::flush})
    CHECK(play(host, action, {"-", "postfix-out", "postfix-in"}).conclusions.size() == 3);
  host.run();
  CHECK(host.log.empty());
  CHECK(host.state("postfix-in") == State::running);
  CHECK(host.member("postfix-in").attempt() == attempt);
  CHECK(host.fleet.ignored() == ignored);
}

TEST_CASE("a rehearsal knows who is disabled, who is held by whom, and who only observes") {
  auto members = border_mail_server();
  members[2].enabled = false;
  VirtualHost host;
  host.behaviour["postfix-out"].check_ok = false;
  host.inventory(members);
  host.run();
  CHECK(conclusions_of(play(host, Ask::start, {"postfix-in"}, false)) ==
        std::vector<std::string>{"postfix-in skipped: multi_instance_enable is not yes"});
  CHECK(conclusions_of(play(host, Ask::start, {"postfix-in"})) ==
        std::vector<std::string>{"postfix-in failed: waits for postfix-out, which is failed"});
  CHECK(conclusions_of(play(host, Ask::start, {"postfix-in"}, true, {.hold = false})) ==
        std::vector<std::string>{"postfix-in done"});
  host.set_mode(postmultid::model::Mode::observe);
  CHECK(conclusions_of(play(host, Ask::stop, {"-"})).at(0).starts_with("- refused: postmultid only observes"));
}

TEST_CASE("what is under way goes on to its end in a rehearsal, and a request that joins it ends with it") {
  VirtualHost host = running();
  host.behaviour["postfix-in"].heeds_sigterm = false;
  host.request(Ask::stop, {"postfix-in"});
  host.settle();
  CHECK(host.state("postfix-in") == State::stopping);
  CHECK(conclusions_of(play(host, Ask::stop, {"postfix-in"})) == std::vector<std::string>{"postfix-in done"});
  CHECK(steps_of(play(host, Ask::stop, {"postfix-in"})) == "postfix-in sweeping, postfix-in stopped");
  CHECK(host.state("postfix-in") == State::stopping);
}

TEST_CASE("checks that wait in line are passed on in a rehearsal, too") {
  VirtualHost host(1, 1);
  for (const char* id : {"-", "postfix-out", "postfix-in"}) host.behaviour[id].answers = false;
  auto members = border_mail_server();
  host.inventory(members, {{.name = "mta", .parallel = true}});
  host.settle();
  Rehearsal played = play(host, Ask::start, {"-", "postfix-out", "postfix-in"});
  CHECK(played.complete);
  CHECK(conclusions_of(played).size() == 3);
  CHECK(conclusions_of(played).back() == "postfix-in done");
}
