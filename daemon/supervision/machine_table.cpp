#include "supervision/machine_table.hpp"

#include <initializer_list>

namespace postmultid::supervision {

namespace {

struct Rule {
  Input input;
  Step step;
};

struct Row {
  Phase phase;
  std::initializer_list<Rule> rules;
};

using enum Step;
using I = Input;

/// Builds the table and refuses, at compile time, a phase or an input that is given twice. What a row says nothing about
/// is taken as `calmly` says, or is impossible.
constexpr MachineTable build(std::initializer_list<Rule> calmly, std::initializer_list<Row> rows) {
  MachineTable table{};
  std::array<bool, kPhases> seen{};
  for (const Row& row : rows) {
    if (seen[index(row.phase)]) throw "a phase has two rows";
    seen[index(row.phase)] = true;
    auto& steps = table[index(row.phase)];
    for (const Rule& rule : row.rules) {
      if (steps[index(rule.input)] != impossible) throw "an input has two rules in one phase";
      steps[index(rule.input)] = rule.step;
    }
    for (const Rule& rule : calmly)
      if (steps[index(rule.input)] == impossible) steps[index(rule.input)] = rule.step;
  }
  for (bool row : seen)
    if (!row) throw "a phase has no row";
  return table;
}

// clang-format off
// A wish is remembered; news about files and sightings of what is known anyway change nothing.
constexpr std::initializer_list<Rule> kCalmly =
    {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::want_abort, stay}, {I::want_drain, stay},
     {I::want_reload, no_reload}, {I::broken, stay}, {I::mended, stay}, {I::edited, stay}, {I::relieved, stay},
     {I::unhealthy, stay}, {I::sighted, stay}};

constexpr MachineTable table = build(kCalmly, {
    {Phase::unknown,
     {{I::present, adopt}, {I::absent, settle}, {I::foreign, blocked}, {I::broken, park_unreadable},
      {I::expired, give_up_looking}}},
    {Phase::stopped,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue}, {I::want_abort, wind_down}, {I::want_drain, wind_down},
      {I::broken, park_unreadable}, {I::sighted, peek}}},
    {Phase::queued,
     {{I::want_down, wind_down}, {I::want_abort, wind_down}, {I::want_drain, wind_down}, {I::turn, look}, {I::broken, park_unreadable},
      {I::sighted, peek}}},
    {Phase::finding,
     {{I::present, adopt}, {I::absent, prepare}, {I::foreign, blocked}, {I::expired, give_up_looking}}},
    {Phase::checking,
     {{I::want_down, wind_down}, {I::want_abort, wind_down}, {I::want_drain, wind_down}, {I::checked, launch}, {I::check_failed, reject},
      {I::expired, reject}}},
    // From here on a master may exist: a wish to stop waits until it can be stopped with proof.
    {Phase::launching,
     {{I::want_reload, reload_later}, {I::launched, prove}, {I::launch_failed, retry_launch}, {I::expired, undo_start}}},
    {Phase::proving,
     {{I::want_down, withdraw}, {I::want_abort, withdraw}, {I::want_drain, withdraw}, {I::want_reload, reload_later}, {I::proven, note_master}, {I::ready, run}, {I::not_ready, undo_start},
      {I::died, undo_start}, {I::quit, undo_start}, {I::expired, undo_start}}},
    {Phase::running,
     {{I::want_up, already}, {I::want_down, leave}, {I::want_drain, leave}, {I::want_bounce, guard}, {I::want_abort, abort},
      {I::want_reload, vet}, {I::unhealthy, heal}, {I::died, clear}, {I::quit, note_outside}}},
    {Phase::guarding,
     {{I::want_up, unguard}, {I::want_down, leave}, {I::want_drain, leave}, {I::want_abort, abort}, {I::checked, passed},
      {I::check_failed, refuse}, {I::expired, refuse}, {I::died, clear}, {I::quit, note_outside}}},
    {Phase::vetting,
     {{I::want_up, already}, {I::want_down, leave}, {I::want_drain, leave}, {I::want_bounce, guard}, {I::want_abort, abort},
      {I::want_reload, vet}, {I::checked, reload}, {I::check_failed, refuse_reload}, {I::expired, refuse_reload},
      {I::died, clear}, {I::quit, note_outside}}},
    {Phase::reloading,
     {{I::want_up, already}, {I::want_down, leave}, {I::want_drain, leave}, {I::want_bounce, guard}, {I::want_abort, abort},
      {I::want_reload, reload_later}, {I::reloaded, note_reloaded}, {I::not_reloaded, reload_failed},
      {I::expired, reload_failed}, {I::died, clear}, {I::quit, note_outside}}},
    {Phase::leaving,
     {{I::want_up, run}, {I::want_bounce, guard}, {I::want_abort, abort}, {I::turn, terminate}, {I::died, sweep},
      {I::quit, sweep}}},
    // Once the SIGTERM is sent there is no way back but through the end: later wishes are remembered.
    {Phase::terminating,
     {{I::want_abort, kill}, {I::died, sweep}, {I::quit, sweep}, {I::expired, kill}}},
    {Phase::killing,
     {{I::died, sweep}, {I::quit, sweep}, {I::expired, stuck}}},
    {Phase::draining,
     {{I::want_up, take_back}, {I::want_bounce, take_back}, {I::want_down, sweep}, {I::want_abort, sweep_now}, {I::drained, sweep},
      {I::expired, hurry}}},
    {Phase::sweeping,
     {{I::want_abort, sweep_now}, {I::died, stay}, {I::quit, stay}, {I::swept, settle}, {I::expired, sweep_harder}}},
    {Phase::clearing,
     {{I::cleared, recover}, {I::expired, recover}}},
    {Phase::backoff,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue}, {I::want_abort, wind_down}, {I::want_drain, wind_down},
      {I::broken, park_unreadable}, {I::sighted, peek}, {I::expired, again}}},
    {Phase::failed,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue}, {I::want_abort, wind_down}, {I::want_drain, wind_down},
      {I::broken, park_unreadable}, {I::mended, queue}, {I::edited, retry_edited}, {I::relieved, retry_relieved}, {I::sighted, peek}, {I::died, stay},
      {I::quit, stay}, {I::expired, again}}},
});

// Machine::observe() leaves no member in another phase than the five that have rules here.
constexpr MachineTable observer_table = build(kCalmly, {
    {Phase::unknown,
     {{I::present, adopt}, {I::absent, note_absent}, {I::foreign, blocked}, {I::broken, park_unreadable},
      {I::expired, give_up_looking}}},
    {Phase::stopped, {{I::broken, park_unreadable}, {I::sighted, peek}}},
    {Phase::finding,
     {{I::present, adopt}, {I::absent, note_absent}, {I::foreign, blocked}, {I::expired, give_up_looking}}},
    {Phase::running, {{I::died, note_lost}, {I::quit, note_outside}}},
    {Phase::failed,
     {{I::broken, park_unreadable}, {I::mended, peek}, {I::relieved, peek}, {I::sighted, peek}, {I::expired, again}}},
    {Phase::queued, {}}, {Phase::checking, {}}, {Phase::launching, {}}, {Phase::proving, {}}, {Phase::guarding, {}},
    {Phase::vetting, {}}, {Phase::reloading, {}}, {Phase::leaving, {}}, {Phase::terminating, {}}, {Phase::killing, {}},
    {Phase::draining, {}}, {Phase::sweeping, {}}, {Phase::clearing, {}}, {Phase::backoff, {}},
});
// clang-format on

}  // namespace

constinit const MachineTable kMachineTable = table;
constinit const MachineTable kObserverTable = observer_table;

const char* name(Phase phase) {
  static constexpr const char* names[] = {"unknown",   "stopped",  "queued",      "finding",  "checking",
                                          "launching", "proving",  "running",     "guarding", "vetting",
                                          "reloading", "leaving",  "terminating", "killing",  "draining",
                                          "sweeping",  "clearing", "backoff",     "failed"};
  static_assert(std::size(names) == kPhases && index(Phase::failed) == kPhases - 1);
  return names[index(phase)];
}

const char* name(Input input) {
  static constexpr const char* names[] = {
      "want_up", "want_down", "want_bounce", "want_abort",   "want_drain", "want_reload",   "turn",
      "broken",  "mended",    "edited",      "relieved",     "unhealthy",  "sighted",       "present",
      "absent",  "foreign",   "checked",     "check_failed", "launched",   "launch_failed", "proven",
      "ready",   "not_ready", "reloaded",    "not_reloaded", "died",       "quit",          "cleared",
      "drained", "swept",     "expired"};
  static_assert(std::size(names) == kInputs && index(Input::expired) == kInputs - 1);
  return names[index(input)];
}

}  // namespace postmultid::supervision
