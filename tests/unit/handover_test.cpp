#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "runtime/handover.hpp"

using namespace postmultid;
using runtime::Handover;
using std::chrono::seconds;
using supervision::Instant;

namespace {

const Instant kNow = Instant(std::chrono::hours(100));

/// Every field another than its default.
Handover full() {
  supervision::Exit exit{model::ExitCause::oom, 9, "SIGKILL", 3, true, "does not answer", model::Missing::answer};
  model::Fault fault{
      model::FailureClass::environment, "code", "mess\xffge", "hint", model::Missing::port, 17, {"fatal: one", "two"},
      "/var/lib/postmultid/last-good/x"};
  supervision::Remembered member;
  member.desired = model::Desired::up;
  member.wished = member.enabled = member.touched = member.alive = member.stopped = member.stopped_outside = true;
  member.suspended = member.ending = true;
  member.master = 4711;
  member.drain = supervision::Duration(1500);
  member.restarts = 12;
  member.streak = 3;
  member.restarted_at = {kNow - seconds(20), kNow - seconds(10)};
  member.last_exit = exit;
  member.exited_at = kNow - seconds(10);
  member.failures = {{kNow - seconds(10), "died", fault, supervision::AttemptId::none, 4711, exit, 2}};
  member.operations = {{7}};

  Handover handover;
  handover.members[model::MemberId{"postfix-out"}] = member;
  handover.members[model::MemberId{"-"}] = {};
  model::Operation operation;
  operation.id = {7};
  operation.action = model::Action::stop;
  operation.selection.group = "mta";
  operation.options.hold = false;
  operation.members = {{model::MemberId{"postfix-out"}, model::Outcome::done, "", "", {}, model::WallTime{seconds(7)}}};
  operation.requested_by = {12, 0, "root"};
  handover.operations = {operation};
  handover.events = {{41, {}, "postfix-out", "died", "master 4711 was killed"},
                     {42, {}, "postfix-out", "state", "", model::EventKind::state, "running", "starting", {}},
                     {43, {}, "", "ended", "", model::EventKind::operation, "", "", model::OperationId{7}}};
  handover.stopping = "run";
  return handover;
}

}  // namespace

TEST_CASE("what one daemon leaves is what the next one finds") {
  std::string text = to_text(full(), "boot");
  auto found = runtime::read_handover(text, "boot", kNow);
  REQUIRE(found);
  CHECK(to_text(*found, "boot") == text);
  const auto& member = found->members.at(model::MemberId{"postfix-out"});
  CHECK(member.desired == model::Desired::up);
  CHECK(member.drain == supervision::Duration(1500));
  CHECK(member.restarted_at.back() == kNow - seconds(10));
  CHECK(member.last_exit->cause == model::ExitCause::oom);
  CHECK(member.failures.at(0).fault.missing == model::Missing::port);
  CHECK(member.failures.at(0).fault.log.size() == 2);
  CHECK(member.operations.at(0) == model::OperationId{7});
  CHECK(found->operations.at(0).id == model::OperationId{7});
  CHECK(found->operations.at(0).selection.group == "mta");
  CHECK_FALSE(found->operations.at(0).options.hold);
  CHECK(found->operations.at(0).members.at(0).finished_at == model::WallTime{seconds(7)});
  CHECK(found->operations.at(0).requested_by->name == "root");
  CHECK(found->events.at(0).number == 41);
  CHECK(found->events.at(1).kind == model::EventKind::state);
  CHECK(found->events.at(1).to == "starting");
  CHECK(found->events.at(2).operation == model::OperationId{7});
  CHECK(found->stopping == "run");
}

TEST_CASE("what a daemon of before has left, without the words of today, is read") {
  auto old = nlohmann::json::parse(to_text(full(), "boot"));
  for (auto& event : old["events"])
    for (const char* key : {"kind", "from", "to", "operation"}) event.erase(key);
  for (auto& operation : old["operations"]) {
    for (const char* key : {"select", "options", "progress", "started_at", "duration_seconds"}) operation.erase(key);
    operation["requested_by"].erase("name");
    for (auto& member : operation["members"]) member.erase("finished_at");
  }
  auto found = runtime::read_handover(old.dump(), "boot", kNow);
  REQUIRE(found);
  CHECK(found->operations.at(0).requested_by->pid == 12);
  CHECK(found->events.at(2).what == "ended");
}

TEST_CASE("nothing is written that the reader does not need to find the same again") {
  // Whoever adds a field to Remembered, and forgets it here, finds it default after a restart.
  auto written = nlohmann::json::parse(to_text(full(), "boot"));
  auto plain = nlohmann::json::parse(runtime::to_text({{{model::MemberId{"-"}, {}}}, {}, {}}, "boot"));
  for (const auto& [key, value] : plain["members"]["-"].items())
    CHECK_MESSAGE(written["members"]["postfix-out"][key] != value, key);
}

TEST_CASE("what is of no use is refused with a reason") {
  auto reason = [](const std::string& text, const std::string& boot = "boot") {
    auto found = runtime::read_handover(text, boot, kNow);
    return found ? std::string() : found.error().message;
  };
  std::string text = to_text(full(), "boot");
  CHECK(reason(text, "another") == "is of another boot");
  CHECK(reason("{\"version\": 2}") == "is of version 2, which this postmultid does not know");
  CHECK(reason("").starts_with("cannot be understood: "));
  CHECK(reason(text.substr(0, text.size() / 2)).starts_with("cannot be understood: "));
  for (const char* key : {"restarts", "master", "desired", "operations", "restarted_at", "failures"}) {
    auto wrong = nlohmann::json::parse(text);
    wrong["members"]["postfix-out"][key] = nlohmann::json::object();
    if (std::string(key) != "desired") CHECK_MESSAGE(reason(wrong.dump()).starts_with("cannot be understood: "), key);
    wrong["members"]["postfix-out"].erase(key);
    CHECK_MESSAGE(reason(wrong.dump()).starts_with("cannot be understood: "), key);
  }
  auto large = nlohmann::json::parse(text);
  large["members"]["postfix-out"]["master"] = 1e20;
  CHECK(reason(large.dump()).starts_with("cannot be understood: "));
}

TEST_CASE("times that have not come yet count for now") {
  auto found = runtime::read_handover(to_text(full(), "boot"), "boot", kNow - seconds(15));
  REQUIRE(found);
  const auto& member = found->members.at(model::MemberId{"postfix-out"});
  CHECK(member.restarted_at.front() == kNow - seconds(20));
  CHECK(member.restarted_at.back() == kNow - seconds(15));
}
