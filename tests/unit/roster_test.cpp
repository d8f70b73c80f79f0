// The definition laid over Postfix's own list.
#include <doctest/doctest.h>

#include "definitions/load.hpp"
#include "runtime/events.hpp"
#include "runtime/operations.hpp"
#include "runtime/roster.hpp"
#include "supervision/fleet.hpp"

using namespace postmultid;
using namespace postmultid::runtime;
using Names = std::vector<std::string>;

namespace {

postfix::Listed listed(const std::string& name, const std::string& group, bool primary = false) {
  postfix::Listed entry;
  entry.instance.id = {name.empty() ? "-" : name};
  entry.instance.name = name;
  entry.instance.group = group;
  entry.instance.primary = primary;
  entry.instance.enabled = true;
  entry.instance.config_directory = "/etc/" + (name.empty() ? "postfix" : name);
  entry.instance.queue_directory = "/var/spool/" + name;
  return entry;
}

const std::vector<postfix::Listed> kHost{listed("", "", true), listed("postfix-in", "mta"),
                                         listed("postfix-out", "mta"), listed("postfix-lone", "")};

/// Remembers what it was asked to drive; drives nothing.
class NoCrew : public Crew {
 public:
  std::shared_ptr<const Driver> drive(const postfix::Instance& instance, std::vector<std::string> reload_on,
                                      host::ScopeLimits limits) const override {
    reloads[instance.id.text] = std::move(reload_on);
    memory[instance.id.text] = limits.memory_max;
    return nullptr;
  }
  std::shared_ptr<const Driver> drive(const definitions::Companion& companion,
                                      host::ScopeLimits limits) const override {
    memory[companion.name.text] = limits.memory_max;
    companions.push_back(companion.name.text);
    return nullptr;
  }
  mutable std::map<std::string, Names> reloads;
  mutable Names companions;
  mutable std::map<std::string, std::optional<std::uint64_t>> memory;
};

struct Composed {
  Roster roster;
  NoCrew crew;
};

Composed composed(const std::string& yaml) {
  auto definition = definitions::load_text("postmultid.yaml", yaml);
  REQUIRE(definition);
  Composed result;
  result.roster = compose(kHost, *definition, result.crew);
  return result;
}

Names in_order(const Roster& roster) {
  std::vector<supervision::MemberSpec> specs;
  for (const Entry& entry : roster.entries) specs.push_back(entry.spec);
  Names ids;
  for (const auto& spec : supervision::in_start_order(specs, roster.groups)) ids.push_back(spec.id.text);
  return ids;
}

const supervision::MemberSpec& spec_of(const Roster& roster, const std::string& id) {
  auto found = std::find_if(roster.entries.begin(), roster.entries.end(),
                            [&](const Entry& entry) { return entry.spec.id.text == id; });
  REQUIRE(found != roster.entries.end());
  return found->spec;
}

}  // namespace

TEST_CASE("without a definition Postfix's own list and groups count") {
  auto [roster, crew] = composed("version: 1\n");
  CHECK(in_order(roster) == Names{"-", "postfix-lone", "postfix-in", "postfix-out"});
  CHECK(roster.problems.empty());
}

TEST_CASE("the definition's order counts, its companions stand in it, and who is not named comes last in his group") {
  auto [roster, crew] = composed(
      "version: 1\n"
      "groups:\n- name: mta\n  members: [postfix-out, filter]\n"
      "companions:\n- {name: filter, command: [/bin/true]}\n");
  CHECK(in_order(roster) == Names{"-", "postfix-lone", "postfix-out", "filter", "postfix-in"});
  CHECK(spec_of(roster, "filter").companion);
  CHECK(crew.companions == Names{"filter"});
}

TEST_CASE("events speak of what others run by its own name") {
  auto [roster, crew] = composed(
      "version: 1\n"
      "groups:\n- name: mta\n  members: [filter, spam, late]\n"
      "companions:\n- {name: filter, command: [/bin/true], ready: tcp://127.0.0.1:25}\n"
      "- {name: spam, unit: spampd.service, ready: tcp://127.0.0.1:26}\n- {name: late, ready: tcp://127.0.0.1:27}\n");
  CHECK_FALSE(spec_of(roster, "filter").wording);
  CHECK(spec_of(roster, "spam").wording->life == "spampd.service");
  CHECK(spec_of(roster, "late").wording->life == "tcp://127.0.0.1:27");
}

TEST_CASE("an instance may be moved to another group, and be named by its directory") {
  auto [roster, crew] = composed("version: 1\ngroups:\n- name: edge\n  members: [/etc/postfix-in]\n");
  CHECK(spec_of(roster, "postfix-in").group == "edge");
  CHECK(in_order(roster) == Names{"-", "postfix-lone", "postfix-in", "postfix-out"});
}

TEST_CASE("what is nearer to the member counts: its own words, its group's, the defaults, ours") {
  auto [roster, crew] = composed(
      "version: 1\n"
      "defaults: { supervise: { start_limit: 3, stop_grace: 3s, start_timeout: 33s } }\n"
      "groups:\n- name: mta\n  members: [postfix-out, postfix-in]\n"
      "  supervise: { start_limit: 4, stop_grace: 4s, retry_failed: never }\n"
      "instances:\n- name: postfix-in\n  reload_on: [/etc/ssl/a.pem]\n  supervise: { start_limit: 5, restart: always "
      "}\n"
      "primary: { reload_on: [/etc/ssl/b.pem] }\n");
  const auto& in = spec_of(roster, "postfix-in").policy;
  CHECK(in.start_limit == 5);
  CHECK(in.restart == supervision::RestartRule::always);
  CHECK(in.stop_grace == std::chrono::seconds(4));
  CHECK_FALSE(in.retry_failed);
  CHECK(in.start_timeout == std::chrono::seconds(33));
  CHECK(in.stop_timeout == supervision::Policy{}.stop_timeout);
  CHECK(spec_of(roster, "-").policy.stop_grace == std::chrono::seconds(3));
  CHECK(crew.reloads["postfix-in"] == Names{"/etc/ssl/a.pem"});
  CHECK(crew.reloads["-"] == Names{"/etc/ssl/b.pem"});
}

TEST_CASE("limits are laid over each other as the rest of supervise is") {
  auto [roster, crew] = composed(
      "version: 1\n"
      "defaults: { supervise: { memory_max: 1G } }\n"
      "groups:\n- name: mta\n  members: [postfix-out, filter, postfix-in]\n  supervise: { memory_max: 2G }\n"
      "companions:\n- {name: filter, command: [/bin/true], supervise: {memory_max: infinity}}\n"
      "instances:\n- {name: postfix-in, supervise: {memory_max: 512M, tasks_max: 50}}\n");
  CHECK(crew.memory["-"] == 1ul << 30);
  CHECK(crew.memory["postfix-out"] == 2ul << 30);
  CHECK(crew.memory["filter"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(crew.memory["postfix-in"] == 512ul << 20);
}

TEST_CASE("what does not fit this host is said with its place, and left out") {
  auto [roster, crew] = composed(
      "version: 1\n"
      "groups:\n- name: mta\n  members: [postfix-oout, postfix-in, postfix-gone]\n"
      "instances:\n- name: postfix-gone\n");
  REQUIRE(roster.problems.size() == 2);
  CHECK(roster.problems[0].starts_with("postmultid.yaml:4:13: "));
  CHECK(roster.problems[0].find("postfix-out") != std::string::npos);
  CHECK(
      roster.problems[1].starts_with("postmultid.yaml:6:9: no instance \"postfix-gone\" in multi_instance_directories; "
                                     "pmctl apply makes it"));
  CHECK(roster.entries.size() == kHost.size());
}

TEST_CASE("an instance that is named twice, by name and by directory, is there once") {
  auto [roster, crew] =
      composed("version: 1\ngroups:\n- {name: a, members: [postfix-in]}\n- {name: b, members: [/etc/postfix-in]}\n");
  CHECK(roster.entries.size() == kHost.size());
  CHECK(spec_of(roster, "postfix-in").group == "a");
  REQUIRE(roster.problems.size() == 1);
  CHECK(roster.problems[0].starts_with("postmultid.yaml:4:"));
}

TEST_CASE("events are numbered without a gap, and the oldest are forgotten") {
  Events events;
  for (int i = 0; i < 5000; ++i)
    events.add({.instance = "postfix-in", .what = "died", .message = std::to_string(i)}, {});
  auto all = events.after(0, 10'000);
  CHECK(all.size() == 4096);
  CHECK(all.back().number == 5000);
  CHECK(events.after(4999, 10'000).size() == 1);
  CHECK(events.after(5000, 10'000).empty());
  CHECK(events.after(4000, 7).back().number == 4007);
  CHECK(events.newest() == 5000);
}

TEST_CASE("events go on behind those of an earlier daemon, and take no number twice") {
  Events before, after;
  for (int i = 0; i < 300; ++i)
    before.add({.instance = "postfix-in", .what = "died", .message = std::to_string(i)}, {});
  after.restore(before.last_few());
  CHECK(after.after(0, 10'000).size() == 200);
  after.add({.instance = "postfix-in", .what = "running", .message = ""}, {});
  CHECK(after.after(0, 10'000).back().number > 300);
  CHECK(after.after(300, 10'000).size() == 1);
}

TEST_CASE("operations that ended are forgotten first, those under way are not") {
  Operations operations;
  auto first = operations.begin({model::Action::stop, {}, {}}, {{"a"}}, std::nullopt, {});
  for (int i = 0; i < 1000; ++i) {
    auto id = operations.begin({model::Action::start, {}, {}}, {{"b"}}, model::Requester{1, 2, ""}, {});
    operations.step(id, {"b"}, "running", {});
    operations.conclude(id, {"b"}, model::Outcome::done, "", {});
  }
  CHECK(operations.find(first));
  CHECK(operations.all().size() <= 257);
}
