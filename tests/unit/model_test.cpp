#include <doctest/doctest.h>

#include "model/event.hpp"
#include "model/names.hpp"
#include "model/operation.hpp"
#include "model/problem.hpp"
#include "model/selection.hpp"
#include "model/status.hpp"

using namespace postmultid::model;
using nlohmann::json;

namespace {

Member member(const std::string& name, const std::string& group, const std::string& directory) {
  Member m;
  m.id = {name.empty() ? directory : name};
  m.name = name;
  m.group = group;
  m.config_directory = directory;
  return m;
}

Status border() {
  Status status;
  status.members = {member("", "", "/etc/postfix"), member("postfix-out", "mta", "/etc/postfix-out"),
                    member("postfix-in", "mta", "/etc/postfix-in"), member("", "", "/srv/mail/third")};
  status.members[0].id = kPrimary;
  status.members[0].primary = true;
  return status;
}

std::string found(const std::string& typed) {
  auto id = find(border(), typed);
  return id ? id->text : "? " + id.error().detail;
}

}  // namespace

TEST_CASE("a member is found by its name, its short name, its directory, and the primary by -") {
  CHECK(found("postfix-out") == "postfix-out");
  CHECK(found("out") == "postfix-out");
  CHECK(found("/etc/postfix-in") == "postfix-in");
  CHECK(found("/etc/postfix-in/") == "postfix-in");
  CHECK(found("/srv/mail/third") == "/srv/mail/third");
  CHECK(found("-") == "-");
}

TEST_CASE("- is the primary also when it has a name") {
  Status status = border();
  status.members[0].id = {"postfix-main"};
  status.members[0].name = "postfix-main";
  CHECK(find(status, "-")->text == "postfix-main");
  CHECK(find(status, "main")->text == "postfix-main");
}

TEST_CASE("an instance that was renamed while it runs is found by both names") {
  Status status = border();
  status.members[2].name = "postfix-inx";
  CHECK(find(status, "in")->text == "postfix-in");
  CHECK(find(status, "inx")->text == "postfix-in");
}

TEST_CASE("an unknown name is refused with the nearest one, a wild one without") {
  CHECK(found("inn") == "? no instance \"inn\"; did you mean \"postfix-in\"?");
  CHECK(found("postfix-otu") == "? no instance \"postfix-otu\"; did you mean \"postfix-out\"?");
  CHECK(found("xyzzy-frobnicate") == "? no instance \"xyzzy-frobnicate\"; `pmctl list` shows what there is");
  CHECK(found("") == "? no instance \"\"; `pmctl list` shows what there is");
}

TEST_CASE("a selection comes in start order and each member once, however it was written") {
  auto ids = select(border(), {{"in", "out", "postfix-in"}, "", false});
  REQUIRE(ids);
  CHECK(*ids == std::vector<MemberId>{{"postfix-out"}, {"postfix-in"}});
  CHECK(select(border(), {{}, "mta", false})->size() == 2);
  CHECK(select(border(), {{}, "", true})->size() == 4);
  CHECK(select(border(), {{}, "mtta", false}).error().code == "no-such-group");
}

TEST_CASE("times survive RFC 3339 to the millisecond; anything else is no time") {
  WallTime time = WallTime(std::chrono::milliseconds(INT64_C(1795392000007)));
  CHECK(from_rfc3339(to_rfc3339(time)) == time);
  for (const char* wrong : {"", "yesterday", "2026-11-23", "2026-11-23T14:02:11Z", "2026-11-23T14:02:11.312",
                            "2026-11-23T14:02:11.31Z", "2026-11-23T14:02:11.312Zx", "2026-13-23T14:02:11.312Z",
                            "0026-11-23T14:02:11.312Z", "9999-12-31T14:02:11.312Z"})
    CHECK_FALSE(from_rfc3339(wrong).has_value());
}

TEST_CASE("a member survives JSON whole") {
  Member m = member("postfix-out", "mta", "/etc/postfix-out");
  auto now = *from_rfc3339("2026-11-23T14:02:11.312Z");
  m.state = State::backoff;
  m.desired = Desired::up;
  m.enabled = true;
  m.health = Health::degraded;
  m.checks = {{"qmgr", false, "no answer"}, {"showq", std::nullopt, ""}};
  m.reason = Reason{"master-died", "master 1 was killed by SIGKILL", now, "start", now, "pmctl start out"};
  m.pid = 42;
  m.started_at = now;
  m.restarts = 7;
  m.last_exit = LastExit{ExitCause::signal, "SIGKILL", std::nullopt, now};
  m.listeners = {"*:25"};
  m.queue = QueueCounts{1, 2, 3, 4, 5, 6, now, now, true};
  m.processes = 9;
  m.proof = Proof{42, 1234, "/usr/lib/postfix/sbin/master", "/var/spool/postfix-out/pid/master.pid", true, now};
  json once = m;
  json twice = once.get<Member>();
  CHECK(once == twice);
  CHECK(once["enabled"] == true);
  CHECK(once["memory_bytes"].is_null());
  CHECK(once["reason"]["next_at"] == "2026-11-23T14:02:11.312Z");
}

TEST_CASE("an operation succeeded when nobody failed, was refused or taken over") {
  Operation operation;
  operation.id = {12};
  operation.members = {{{"a"}, Outcome::done, ""}, {{"b"}, Outcome::unchanged, ""}, {{"c"}, Outcome::skipped, ""}};
  CHECK(operation.succeeded());
  for (Outcome bad : {Outcome::failed, Outcome::refused, Outcome::superseded, Outcome::pending}) {
    operation.members[1].outcome = bad;
    CHECK_FALSE(operation.succeeded());
  }
  json once = operation;
  CHECK(once["id"] == "op-12");
  CHECK(once["result"].is_null());
  CHECK(json(once.get<Operation>()) == once);
}

TEST_CASE("an operation tells what was asked, by whom, and how long it took, and survives JSON whole") {
  auto begun = *from_rfc3339("2026-11-23T14:02:11.310Z");
  Operation operation;
  operation.id = {7};
  operation.selection.names = {"out"};
  operation.options.rolling = true;
  operation.state = OperationState::finished;
  operation.progress = "a: launching";
  operation.created_at = begun;
  operation.finished_at = begun + std::chrono::milliseconds(1250);
  operation.requested_by = Requester{4711, 1000, "ann"};
  operation.members = {{{"a"}, Outcome::done, "", "b", {{"running", begun + std::chrono::milliseconds(5)}}, begun}};
  json once = operation;
  CHECK(once["duration_seconds"] == 1.25);
  CHECK(once["started_at"] == "2026-11-23T14:02:11.315Z");
  CHECK(once["select"] == json{{"names", {"out"}}});
  CHECK(once["requested_by"]["name"] == "ann");
  CHECK(json(once.get<Operation>()) == once);
}

TEST_CASE("only the id of an operation names it") {
  CHECK(operation_called("op-7") == OperationId{7});
  for (const char* wrong : {"", "op-", "op-0", "op-07", "7", "op-7x", "op--7", "OP-7", "op-99999999999999999999"})
    CHECK_FALSE(operation_called(wrong).has_value());
}

TEST_CASE("a problem has its code's status and title, and a name for good") {
  json refused = Problem{"no-such-instance", "no instance \"x\""};
  CHECK(refused["status"] == 404);
  CHECK(refused["title"] == "There is no such instance");
  CHECK(refused["type"] == "urn:postmultid:problem:no-such-instance");
  CHECK(json(refused.get<Problem>()) == refused);
}

TEST_CASE("an event survives JSON whole") {
  Event event{3, *from_rfc3339("2026-11-23T14:02:11.310Z"), "a", "state", "", EventKind::state, "stopped", "waiting",
              {}};
  json once = event;
  CHECK(once["kind"] == "state");
  CHECK(once["operation"].is_null());
  CHECK(json(once.get<Event>()) == once);
}
