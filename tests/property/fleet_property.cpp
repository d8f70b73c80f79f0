// Random lives of random fleets: whatever happens in whatever order, the promises hold. With --month: one large host.
#include <rapidcheck.h>

#include <cstdlib>
#include <iostream>

#include "supervision/rehearsal.hpp"
#include "virtual_host.hpp"

using namespace postmultid::test;
using Ask = postmultid::model::Action;

namespace {

/// Something that happens to a fleet, and how long nothing else does afterwards.
struct Happening {
  int what, member, second;
  int pause_ms;
};

std::ostream& operator<<(std::ostream& out, const Happening& h) {
  return out << "{" << h.what << " " << h.member << " " << h.second << " +" << h.pause_ms << "ms}";
}

constexpr int kKinds = 30;

void happen(VirtualHost& host, std::vector<MemberSpec>& members, const Happening& h) {
  std::string id = members[static_cast<std::size_t>(h.member) % members.size()].id.text;
  std::string other = members[static_cast<std::size_t>(h.second) % members.size()].id.text;
  Behaviour& behaviour = host.behaviour[id];
  switch (h.what) {
    case 0: host.request(Ask::start, {id, other}); break;
    case 1: host.request(Ask::stop, {id, other}); break;
    case 2: host.request(Ask::restart, {id, other}); break;
    case 3: host.request(Ask::reset_failed, {id}); break;
    case 4: host.kill(id, 9); break;
    case 5: host.kill(id, 15); break;
    case 6: behaviour.check_ok = h.second % 2; break;
    case 7: behaviour.launch_ok = h.second % 2; break;
    case 8: behaviour.ready = h.second % 2; break;
    case 9:
      behaviour.heeds_sigterm = h.second % 2;
      behaviour.sweeps = h.second % 3;
      break;
    case 10: behaviour.answers = h.second % 4; break;
    case 11: {
      auto& broken = members[static_cast<std::size_t>(h.member) % members.size()].broken;
      if (broken)
        broken.reset();
      else
        broken = Fault{postmultid::model::FailureClass::config, "config-unreadable", "bad", ""};
      host.inventory(members);
      break;
    }
    case 12: host.request(Ask::reload, {id, other}); break;
    case 13: host.request(Ask::abort, {id, other}); break;
    case 14:
      behaviour.reload_ok = h.second % 2;
      behaviour.reload_kills = h.second % 3 == 0;
      break;
    case 15:
      // By hand, as `postfix start` does it: never beside a master that is there or on its way.
      if (!host.has_master(id) && host.member(id).at_rest()) host.start_by_hand(id);
      host.sighted(id);
      break;
    case 16: host.edited(id); break;
    case 17: host.request(Ask::flush, {id}); break;
    case 18: host.cancel(static_cast<std::uint64_t>(h.second % 8 + 1)); break;
    case 19: host.request(Ask::start, {id, other}, true, {.hold = false}); break;
    case 20: host.request(Ask::restart, {id, other}, true, {.rolling = true}); break;
    case 21: host.request(Ask::drain, {id, other}, true, {.deadline = seconds(h.second)}); break;
    case 22:
      behaviour.missing = h.second % 2 ? postmultid::model::Missing::address : postmultid::model::Missing::nothing;
      break;
    case 23: host.surroundings_changed(postmultid::model::Missing::address); break;
    case 24: host.look(id, h.second % 3 == 0); break;
    case 25: host.replace_programs({{id}, {other}}); break;
    case 26: behaviour.gets_ready = h.second % 2; break;
    case 27:
      behaviour.missing = h.second % 2 ? postmultid::model::Missing::answer : postmultid::model::Missing::nothing;
      host.lose(id, postmultid::model::Missing::answer);
      break;
    case 28: host.relieve(id); break;
    case 29: host.restart_daemon(members); break;
    default: break;
  }
  host.run(milliseconds(h.pause_ms));
}

rc::Gen<Happening> happenings() {
  // Mostly close together, so that things happen in the middle of each other; sometimes minutes apart.
  auto pause = rc::gen::weightedOneOf<int>(
      {{6, rc::gen::inRange(0, 60)}, {3, rc::gen::inRange(60, 5'000)}, {1, rc::gen::inRange(5'000, 900'000)}});
  return rc::gen::build<Happening>(rc::gen::set(&Happening::what, rc::gen::inRange(0, kKinds)),
                                   rc::gen::set(&Happening::member, rc::gen::inRange(0, 64)),
                                   rc::gen::set(&Happening::second, rc::gen::inRange(0, 64)),
                                   rc::gen::set(&Happening::pause_ms, pause));
}

std::vector<MemberSpec> some_members(int count) {
  std::vector<MemberSpec> members{{{"-"}, "", true, {}, {}}};
  for (int i = 1; i < count; ++i)
    members.push_back({{"postfix-" + std::to_string(i)}, i % 4 == 0 ? "" : i % 2 ? "mta" : "hub", i % 5 != 0, {}, {}});
  for (std::size_t i = 0; i < members.size(); i += 2)
    members[i].policy.on_unhealthy = postmultid::supervision::UnhealthyRule::restart;
  return members;
}

/// A running member has a master, a stopped one has none that the core knows of.
void check_truth(const VirtualHost& host) {
  for (const Machine* machine : host.fleet.members()) {
    const std::string& id = machine->spec().id.text;
    if (machine->phase() == Phase::stopped) RC_ASSERT_FALSE(host.has_master(id));
    if (machine->running()) RC_ASSERT(machine->pid() != 0);
    if (machine->phase() == Phase::backoff) RC_ASSERT(machine->next_at().has_value());
  }
}

void check_promises(const VirtualHost& host) {
  if (!host.violations.empty()) RC_FAIL(host.violations.front());
}

Ask some_action() {
  return *rc::gen::element(Ask::start, Ask::stop, Ask::restart, Ask::reload, Ask::flush, Ask::drain, Ask::abort,
                           Ask::check, Ask::enable, Ask::disable, Ask::reset_failed);
}

/// Some of them, each once, in any order.
std::vector<std::string> some_of(const std::vector<MemberSpec>& members) {
  std::vector<std::string> ids;
  for (std::size_t place : *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 64))) {
    const std::string& id = members[place % members.size()].id.text;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

void behave_well(VirtualHost& host) {
  for (auto& [id, behaviour] : host.behaviour) behaviour = Behaviour{};
}

/// A large host for a month: each member fails ten times, sometimes it does not come back at once, sometimes somebody
/// stops or restarts a group.
void month_of_ten_thousand() {
  constexpr int kMembers = 10'000, kDays = 30, kGroups = 100;
  std::vector<MemberSpec> members{{{"-"}, "", true, {}, {}}};
  std::vector<std::string> all{"-"};
  std::vector<std::vector<std::string>> groups(kGroups);
  std::vector<GroupSpec> rules;
  for (int i = 1; i < kMembers; ++i) {
    int group = i % kGroups;
    members.push_back({{"postfix-" + std::to_string(i)}, "group-" + std::to_string(group), true, {}, {}});
    all.push_back(members.back().id.text);
    groups[static_cast<std::size_t>(group)].push_back(all.back());
  }
  for (int group = 0; group < kGroups; ++group)
    rules.push_back({"group-" + std::to_string(group), group % 2 == 0, group % 10 == 0});
  VirtualHost host(2026, 8);
  host.logs = false;
  host.latency_max = milliseconds(500);
  std::minstd_rand random(1);
  auto one_of = [&](const auto& from) -> const auto& { return from[random() % from.size()]; };

  host.inventory(std::move(members), std::move(rules));
  constexpr int kFailures = kMembers * 10;
  const milliseconds between = milliseconds(std::chrono::hours(24) * kDays) / kFailures;
  for (int i = 0; i < kFailures; ++i) {
    host.run(between);
    const std::string& id = one_of(all);
    switch (random() % 100) {
      case 0: host.behaviour[id].launch_ok = false; break;
      case 1: host.behaviour[id].missing = postmultid::model::Missing::address; break;
      case 2: host.surroundings_changed(postmultid::model::Missing::address); break;
      case 3: host.kill(id, 15); break;
      case 4: host.request(Ask::start, one_of(groups)); break;
      default: host.kill(id, 9); break;
    }
    if (i % 50 == 0) host.behaviour[one_of(all)] = Behaviour{};
    if (i % 10'000 == 0) host.request(i % 20'000 ? Ask::restart : Ask::reload, one_of(groups));
    if (!host.violations.empty()) throw std::runtime_error(host.violations.front());
  }

  behave_well(host);
  auto start = host.request(Ask::start, all);
  host.run(std::chrono::hours(24));
  auto running = std::count_if(all.begin(), all.end(), [&](const auto& id) { return host.member(id).running(); });
  host.shut_down();
  host.run(std::chrono::hours(24));
  if (running != kMembers || host.outcomes[start].size() != all.size() || !host.left || !host.violations.empty())
    throw std::runtime_error(std::to_string(running) + " of " + std::to_string(kMembers) + " came back");
}

/// A property that has no random input of its own: how long it takes is said with it.
bool holds(const char* what, void (*property)()) try {
  auto began = std::chrono::steady_clock::now();
  auto events = VirtualHost::events;
  property();
  auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
  std::cout << "\n- " << what << "\nOK, " << VirtualHost::events - events << " events in " << took.count() << " ms\n";
  return true;
} catch (const std::exception& e) {
  std::cout << "\n- " << what << "\nFalse: " << e.what() << "\n";
  return false;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1)
    return holds("ten thousand members for thirty days: all come back, all end", month_of_ten_thousand) ? EXIT_SUCCESS
                                                                                                        : EXIT_FAILURE;
  bool ok = true;

  ok &= rc::check("random lives: never two masters, the truth is told, and all ends well", [] {
    auto members = some_members(*rc::gen::inRange(2, 9));
    VirtualHost host(static_cast<std::uint32_t>(*rc::gen::inRange(1, 1'000'000)), *rc::gen::inRange<std::size_t>(1, 5));
    host.latency_max = milliseconds(*rc::gen::element(0, 5, 200));
    host.inventory(members);
    auto story = *rc::gen::container<std::vector<Happening>>(happenings());
    for (const Happening& h : story) {
      happen(host, members, h);
      check_promises(host);
      check_truth(host);
    }

    // A stop is never lost: from whatever state this is, all of it ends stopped, nobody left behind.
    behave_well(host);
    for (MemberSpec& member : members) member.broken.reset();
    host.inventory(members);
    std::vector<std::string> all;
    for (const MemberSpec& member : members) all.push_back(member.id.text);
    auto stop = host.request(Ask::stop, all);
    host.run(std::chrono::minutes(10));
    for (const std::string& id : all) {
      RC_ASSERT(host.state(id) == State::stopped);
      RC_ASSERT_FALSE(host.has_master(id));
      // Work that began to hang before may make the operation say so first; stopped it is all the same.
      RC_ASSERT(host.outcomes[stop].contains(id));
    }

    // Wanted up and nothing fails: all of it ends running, in order.
    host.log.clear();
    auto start = host.request(Ask::start, all);
    host.run(std::chrono::minutes(10));
    std::vector<std::string> in_order;
    for (const Machine* machine : host.fleet.members()) in_order.push_back(machine->spec().id.text);
    RC_ASSERT(who_became(host.log, "running") == in_order);
    for (const std::string& id : all) RC_ASSERT(host.outcomes[start][id] == Outcome::done);

    host.shut_down();
    host.run(std::chrono::minutes(10));
    RC_ASSERT(host.left);
    check_promises(host);
  });

  ok &=
      rc::check("who only observes does nothing, whatever happens, and can be told to manage and to observe again", [] {
        using postmultid::model::Mode;
        auto members = some_members(*rc::gen::inRange(2, 7));
        VirtualHost host(static_cast<std::uint32_t>(*rc::gen::inRange(1, 1'000'000)), 2,
                         *rc::gen::element(Mode::observe, Mode::manage));
        host.latency_max = milliseconds(*rc::gen::element(0, 5, 200));
        for (std::size_t i = 0; i < members.size(); i += 2) host.start_by_hand(members[i].id.text);
        host.inventory(members);
        auto story = *rc::gen::container<std::vector<Happening>>(happenings());
        for (const Happening& h : story) {
          if (h.second % 8 == 0) host.set_mode(h.member % 3 ? Mode::observe : Mode::manage);
          happen(host, members, h);
          check_promises(host);
          check_truth(host);
        }

        // What was seen last stays as it is.
        behave_well(host);
        host.set_mode(Mode::observe);
        host.run(std::chrono::minutes(10));
        std::map<std::string, int> seen;
        for (const MemberSpec& member : members) seen[member.id.text] = host.master_pid(member.id.text);
        host.run(std::chrono::hours(2));
        for (const auto& [id, pid] : seen) RC_ASSERT(host.master_pid(id) == pid);

        // Taken over: who runs goes on, who is enabled and does not run is started.
        for (MemberSpec& member : members) member.broken.reset();
        host.inventory(members);
        host.set_mode(Mode::manage);
        host.run(std::chrono::hours(2));
        for (const MemberSpec& member : members) {
          const std::string& id = member.id.text;
          if (seen[id]) RC_ASSERT(host.master_pid(id) == seen[id]);
          if (member.enabled) RC_ASSERT(host.state(id) == State::running);
        }

        host.set_mode(Mode::observe);
        host.shut_down();
        RC_ASSERT(host.left);
        for (const auto& [id, pid] : seen)
          if (pid) RC_ASSERT(host.master_pid(id) == pid);
        check_promises(host);
      });

  ok &= rc::check("every operation ends, whatever is broken", [] {
    auto members = some_members(*rc::gen::inRange(2, 7));
    VirtualHost host(static_cast<std::uint32_t>(*rc::gen::inRange(1, 1'000'000)));
    host.latency_max = milliseconds(20);
    host.inventory(members);
    auto story = *rc::gen::container<std::vector<Happening>>(happenings());
    for (const Happening& h : story) happen(host, members, h);
    std::vector<std::string> all;
    for (const MemberSpec& member : members) all.push_back(member.id.text);
    auto operation =
        host.request(*rc::gen::element(Ask::start, Ask::stop, Ask::restart, Ask::reload, Ask::abort, Ask::drain), all);
    host.run(std::chrono::hours(2));
    RC_ASSERT(host.outcomes[operation].size() == all.size());
  });

  ok &= rc::check("a stop is carried out, however often the daemon dies meanwhile", [] {
    auto members = some_members(*rc::gen::inRange(2, 7));
    VirtualHost host(static_cast<std::uint32_t>(*rc::gen::inRange(1, 1'000'000)));
    host.latency_max = milliseconds(200);
    host.inventory(members);
    auto story = *rc::gen::container<std::vector<Happening>>(happenings());
    for (const Happening& h : story) happen(host, members, h);
    behave_well(host);
    for (MemberSpec& member : members) member.broken.reset();
    host.inventory(members);
    std::vector<std::string> all;
    for (const MemberSpec& member : members) all.push_back(member.id.text);
    auto stop = host.request(*rc::gen::element(Ask::stop, Ask::abort, Ask::drain), all);
    for (int pause : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000))) {
      host.run(milliseconds(pause));
      host.restart_daemon(members);
    }
    host.run(std::chrono::minutes(10));
    for (const std::string& id : all) {
      RC_ASSERT(host.state(id) == State::stopped);
      RC_ASSERT_FALSE(host.has_master(id));
      RC_ASSERT(host.outcomes[stop].contains(id));
    }
    check_promises(host);
  });

  ok &= rc::check("the same events make the same actions", [] {
    auto story = *rc::gen::container<std::vector<Happening>>(happenings());
    auto live = [&] {
      auto members = some_members(5);
      VirtualHost host(7);
      host.latency_max = milliseconds(50);
      host.inventory(members);
      for (const Happening& h : story) happen(host, members, h);
      return host.log;
    };
    RC_ASSERT(live() == live());
  });

  ok &= rc::check("a rehearsal says what then happens, in that order", [] {
    auto members = some_members(*rc::gen::inRange(2, 9));
    VirtualHost host(static_cast<std::uint32_t>(*rc::gen::inRange(1, 1'000'000)), *rc::gen::inRange<std::size_t>(1, 5));
    host.latency_max = milliseconds(*rc::gen::element(0, 5, 200));
    host.inventory(members);
    auto story = *rc::gen::container<std::vector<Happening>>(happenings());
    for (const Happening& h : story) happen(host, members, h);

    // What hangs, or is still to happen by chance, is nothing that the core knows of.
    behave_well(host);
    host.latency_max = milliseconds(0);
    host.inventory(members, {{"mta", *rc::gen::arbitrary<bool>(), false}, {"hub", false, *rc::gen::arbitrary<bool>()}});
    host.run(std::chrono::hours(2));
    for (const MemberSpec& member : members) host.sighted(member.id.text);
    host.run(std::chrono::hours(2));
    for (const MemberSpec& member : members)
      RC_PRE(host.master_pid(member.id.text) == host.member(member.id.text).pid());
    bool busy = *rc::gen::arbitrary<bool>();
    if (busy) host.request(some_action(), some_of(members));

    Requested wanted{{}, some_action(), {}, *rc::gen::arbitrary<bool>()};
    auto ids = some_of(members);
    for (const std::string& id : ids) wanted.members.push_back({id});
    if (wanted.action == Ask::restart) wanted.options.rolling = *rc::gen::arbitrary<bool>();
    Rehearsal played = rehearse(host.fleet, wanted, host.now());
    auto operation = host.request(wanted.action, ids, wanted.named, wanted.options);
    host.settle();

    std::vector<std::string> said;
    std::map<std::string, std::vector<std::string>> said_of;
    std::map<std::string, Outcome> outcomes;
    for (const RehearsedStep& step : played.steps) {
      said.push_back(step.id.text + " " + step.step);
      said_of[step.id.text].push_back(step.step);
    }
    for (const Concluded& each : played.conclusions) outcomes[each.id.text] = each.outcome;
    RC_ASSERT(played.complete);
    RC_ASSERT(outcomes == host.outcomes[operation]);
    // In which order answers to what is under way already will come, nobody can know; nor what a member does just then
    // when its turn of a rolling restart comes.
    if (!busy || !wanted.options.rolling) RC_ASSERT(said_of == host.steps[operation]);
    if (!busy) RC_ASSERT(said == host.in_order[operation]);
    check_promises(host);
  });

  std::cout << "\n" << VirtualHost::events << " events in all lives\n";
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
