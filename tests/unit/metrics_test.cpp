// The numbers of /metrics: what is in them, and how it is written.
#include <doctest/doctest.h>

#include "control/counters.hpp"
#include "control/exposition.hpp"
#include "control/metrics.hpp"

using namespace postmultid;
using namespace postmultid::control;

namespace {

model::Status one_member() {
  model::Status status;
  model::Member member;
  member.id = {"postfix-out"};
  member.group = "mta";
  status.members = {member};
  return status;
}

bool has(const std::string& text, const std::string& line) { return ("\n" + text).contains("\n" + line + "\n"); }

}  // namespace

TEST_CASE("a label's value keeps quotes, backslashes and line ends from ending it") {
  CHECK(escape_label("mta") == "mta");
  CHECK(escape_label("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
  CHECK(escape_label("/etc/postfix-\xc3\xa4") == "/etc/postfix-\xc3\xa4");
}

TEST_CASE("what is not UTF-8 in a label is replaced: Prometheus would refuse the whole scrape") {
  CHECK(escape_label("a\xff\"") == "a\xef\xbf\xbd\\\"");
}

TEST_CASE("numbers are written so that they read back as they were") {
  CHECK(to_number(0) == "0");
  CHECK(to_number(4294967296.0) == "4294967296");
  CHECK(to_number(0.0005) == "0.0005");
  CHECK(to_number(1795665469.312) == "1795665469.312");
  CHECK(to_number(std::numeric_limits<double>::infinity()) == "+Inf");
}

TEST_CASE("a family has its help and type once, and is left out where it has no sample") {
  Exposition out;
  out.family("a_total", "counter", "As.");
  out.family("b_total", "counter", "Bs.");
  out.sample({{"x", "1"}}, 1);
  out.sample({{"x", "2"}, {"y", ""}}, 2);
  CHECK(out.take() == "# HELP b_total Bs.\n# TYPE b_total counter\nb_total{x=\"1\"} 1\nb_total{x=\"2\",y=\"\"} 2\n");
}

TEST_CASE("a member has a sample for each state and each health, of which exactly one is 1") {
  model::Status status = one_member();
  for (model::State now : model::kStates) {
    status.members[0].state = now;
    std::string text = snapshot_metrics(status);
    for (model::State state : model::kStates)
      CHECK(has(text, "postmultid_instance_state{postfix_instance=\"postfix-out\",state=\"" + model::to_word(state) +
                          "\"} " + (state == now ? "1" : "0")));
    CHECK(has(text, "postmultid_instances{state=\"" + model::to_word(now) + "\"} 1"));
  }
  for (model::Health now : model::kHealths) {
    status.members[0].health = now;
    std::string text = snapshot_metrics(status);
    for (model::Health health : model::kHealths)
      CHECK(has(text, "postmultid_instance_health{postfix_instance=\"postfix-out\",health=\"" + model::to_word(health) +
                          "\"} " + (health == now ? "1" : "0")));
  }
}

TEST_CASE("each check has a sample, but for one that says nothing") {
  model::Status status = one_member();
  status.members[0].checks = {{"master", true, ""}, {"qmgr", false, "no answer"}, {"showq", std::nullopt, ""}};
  std::string text = snapshot_metrics(status);
  CHECK(has(text, "postmultid_instance_check_up{postfix_instance=\"postfix-out\",check=\"master\"} 1"));
  CHECK(has(text, "postmultid_instance_check_up{postfix_instance=\"postfix-out\",check=\"qmgr\"} 0"));
  CHECK_FALSE(text.contains("check=\"showq\""));
}

TEST_CASE("what is counted is there from the beginning, as 0") {
  std::string text = snapshot_metrics(one_member());
  for (const char* cause : {"exit", "signal", "oom", "unknown"})
    CHECK(has(text, std::string("postmultid_instance_exits_total{postfix_instance=\"postfix-out\",cause=\"") + cause +
                        "\"} 0"));
  for (model::Action action : model::kActions)
    CHECK(has(text, "postmultid_operations_total{operation=\"" + model::to_word(action) + "\"} 0"));
  CHECK(has(text, "postmultid_instance_restarts_total{postfix_instance=\"postfix-out\"} 0"));
}

TEST_CASE("what is not known of a member has no sample") {
  model::Status status = one_member();
  std::string text = snapshot_metrics(status);
  CHECK_FALSE(text.contains("postmultid_instance_memory_bytes"));
  CHECK_FALSE(text.contains("postmultid_instance_enabled"));
  status.members[0].memory_bytes = 4096;
  status.members[0].enabled = false;
  text = snapshot_metrics(status);
  CHECK(has(text, "postmultid_instance_memory_bytes{postfix_instance=\"postfix-out\"} 4096"));
  CHECK(has(text, "postmultid_instance_enabled{postfix_instance=\"postfix-out\"} 0"));
}

TEST_CASE("a member in backoff says how long it waits in all") {
  model::Status status = one_member();
  model::Member& member = status.members[0];
  member.state = model::State::backoff;
  member.state_changed_at = model::WallTime(std::chrono::seconds(1000));
  member.reason = model::Reason{.code = "master-died"};
  member.reason->next_at = member.state_changed_at + std::chrono::milliseconds(250);
  CHECK(has(snapshot_metrics(status),
            "postmultid_instance_restart_backoff_seconds{postfix_instance=\"postfix-out\"} 0.25"));
}

TEST_CASE("requests are counted by route and status, and their times add up in the buckets") {
  using namespace std::chrono_literals;
  Counters counters;
  counters.answered("GET /v1/status", 200, 100us);
  counters.answered("GET /v1/status", 304, 1500us);
  counters.answered("GET /v1/status", 200, 90s);
  counters.rejected("request-timeout");
  std::string text = daemon_metrics({}, counters, {});
  CHECK(has(text, "postmultid_api_requests_total{route=\"GET /v1/status\",code=\"200\"} 2"));
  CHECK(has(text, "postmultid_api_requests_total{route=\"GET /v1/status\",code=\"304\"} 1"));
  auto within = [](const char* limit, const char* count) {
    return std::string("postmultid_api_request_duration_seconds_bucket{route=\"GET /v1/status\",le=\"") + limit +
           "\"} " + count;
  };
  CHECK(has(text, within("0.0005", "1")));
  CHECK(has(text, within("0.001", "1")));
  CHECK(has(text, within("0.002", "2")));
  CHECK(has(text, within("60", "2")));
  CHECK(has(text, within("+Inf", "3")));
  CHECK(has(text, "postmultid_api_request_duration_seconds_count{route=\"GET /v1/status\"} 3"));
  CHECK(has(text, "postmultid_api_rejected_total{reason=\"request-timeout\"} 1"));
}
