#include "control/event_stream.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <set>
#include <sstream>

#include "idle_service.hpp"
#include "runtime/events.hpp"

using namespace postmultid;
namespace asio = boost::asio;
using control::EventStream;
using control::EventsWanted;
using nlohmann::json;

namespace {

/// Only events; nobody here asks for anything else.
class Told : public test::IdleService {
 public:
  runtime::Events events;

  void add(const std::string& instance, model::EventKind kind = model::EventKind::fact, std::string message = "") {
    events.add({.instance = instance, .what = "said", .message = std::move(message), .kind = kind}, {});
  }

  std::vector<model::Event> events_after(std::uint64_t number, std::size_t most) const override {
    return events.after(number, most);
  }
  std::uint64_t newest_event() const override { return events.newest(); }
};

std::optional<std::string> next_of(EventStream& stream) {
  asio::io_context loop;
  std::optional<std::string> piece;
  asio::co_spawn(loop, stream.next(), [&](std::exception_ptr failed, std::optional<std::string> text) {
    CHECK_FALSE(failed);
    piece = std::move(text);
  });
  loop.run();
  return piece;
}

/// All that is past, in short: "1 fact a", "3 gap".
std::vector<std::string> told(Told& service, EventsWanted wanted) {
  wanted.follow = false;
  EventStream stream(service, std::move(wanted));
  std::vector<std::string> lines;
  while (auto piece = next_of(stream)) {
    std::istringstream text(*piece);
    for (std::string line; std::getline(text, line);) {
      json event = json::parse(line);
      std::string instance = event["instance"];
      lines.push_back(std::to_string(event["number"].get<int>()) + " " + event["kind"].get<std::string>() +
                      (instance.empty() ? "" : " " + instance));
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("events come in their order, from behind a number, of one instance, of one kind, the last few") {
  using enum model::EventKind;
  Told service;
  service.add("a");
  service.add("b", state);
  service.add("a", health);
  service.add("", operation);
  CHECK(told(service, {}) == Lines{"1 fact a", "2 state b", "3 health a", "4 operation"});
  CHECK(told(service, {.since = 2}) == Lines{"3 health a", "4 operation"});
  CHECK(told(service, {.since = 4}).empty());
  CHECK(told(service, {.instance = "a"}) == Lines{"1 fact a", "3 health a"});
  CHECK(told(service, {.kinds = {state, operation}}) == Lines{"2 state b", "4 operation"});
  CHECK(told(service, {.last = 1}) == Lines{"4 operation"});
  CHECK(told(service, {.last = 1, .instance = "a"}) == Lines{"3 health a"});
  CHECK(told(service, {.last = 9}).size() == 4);
  CHECK(told(service, {.last = 0}).empty());
}

TEST_CASE("what is missing before an event that is told is said, once, and never to who did not ask from a number on") {
  Told service;
  for (int i = 0; i < 5000; ++i) service.add("a");
  Lines all = told(service, {});
  CHECK(all.size() == 4096);
  CHECK(all.front() == "905 fact a");
  Lines from_the_first = told(service, {.since = 0});
  CHECK(from_the_first.size() == 4097);
  CHECK(from_the_first[0] == "904 gap");
  CHECK(from_the_first[1] == "905 fact a");
  CHECK(told(service, {.since = 904})[0] == "905 fact a");
  CHECK(told(service, {.since = 4998}) == Lines{"4999 fact a", "5000 fact a"});
  CHECK(told(service, {.since = 4000, .last = 1}) == Lines{"5000 fact a"});
}

TEST_CASE(
    "where one daemon has followed another the numbers jump, which is told; so is a number that was never reached") {
  Told before, after;
  before.add("a");
  before.add("a");
  after.events.restore(before.events.last_few());
  after.add("b");
  CHECK(told(after, {.since = 1}) == Lines{"2 fact a", "10002 gap", "10003 fact b"});
  CHECK(told(after, {.since = 10002}) == Lines{"10003 fact b"});
  CHECK(told(before, {.since = 77}) == Lines{"0 gap", "1 fact a", "2 fact a"});
}

TEST_CASE("a client is given a piece at a time, and who is slow finds a gap") {
  Told service;
  for (int i = 0; i < 1000; ++i) service.add("a", model::EventKind::fact, std::string(1000, 'x'));
  EventStream slow(service, {.since = 0});
  auto first = next_of(slow);
  REQUIRE(first);
  CHECK(first->size() > 60 * 1024);
  CHECK(first->size() < 70 * 1024);
  for (int i = 0; i < 5000; ++i) service.add("a");
  CHECK(next_of(slow)->find("\"kind\":\"gap\"") != std::string::npos);
}

TEST_CASE("server-sent events carry number, kind and the document") {
  Told service;
  service.add("a");
  EventStream stream(service, {.follow = false, .server_sent = true});
  std::string text = *next_of(stream);
  CHECK(text.starts_with("id: 1\nevent: fact\ndata: {"));
  CHECK(text.ends_with("}\n\n"));
  CHECK_FALSE(next_of(stream).has_value());
}

TEST_CASE("what somebody wants to be told is in the query, Accept and Last-Event-ID, which counts before the query") {
  control::Request request;
  request.query = {{"since", "3"}, {"last", "7"}, {"kind", "state,health"}, {"follow", "no"}, {"instance", "out"}};
  auto wanted = control::events_wanted(request);
  REQUIRE(wanted);
  CHECK(wanted->since == 3);
  CHECK(wanted->last == 7);
  CHECK(wanted->kinds == std::set{model::EventKind::state, model::EventKind::health});
  CHECK(wanted->instance == "out");
  CHECK_FALSE(wanted->follow);
  CHECK_FALSE(wanted->server_sent);
  request.headers = {{"accept", "text/event-stream"}, {"last-event-id", "5"}};
  wanted = control::events_wanted(request);
  CHECK(wanted->since == 5);
  CHECK(wanted->server_sent);
  const std::pair<const char*, const char*> kWrong[] = {{"since", "x"},     {"since", "-1"},   {"since", ""},
                                                        {"last", "1x"},     {"kind", "facts"}, {"kind", "state,,"},
                                                        {"follow", "maybe"}};
  for (const auto& [key, value] : kWrong) {
    control::Request wrong;
    wrong.query[key] = value;
    CHECK_FALSE(control::events_wanted(wrong).has_value());
  }
}
