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

/// Builds the table and refuses, at compile time, a phase or an input that is given twice.
constexpr MachineTable build(std::initializer_list<Row> rows) {
  MachineTable table{};
  std::array<bool, kPhases> seen{};
  for (const Row& row : rows) {
    if (seen[index(row.phase)]) throw "a phase has two rows";
    seen[index(row.phase)] = true;
    for (const Rule& rule : row.rules) {
      if (table[index(row.phase)][index(rule.input)] != impossible) throw "an input has two rules in one phase";
      table[index(row.phase)][index(rule.input)] = rule.step;
    }
  }
  for (bool row : seen)
    if (!row) throw "a phase has no row";
  return table;
}

// clang-format off
constexpr MachineTable table = build({
    {Phase::unknown,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::mended, stay},
      {I::present, adopt}, {I::absent, settle}, {I::foreign, blocked}, {I::broken, park_unreadable},
      {I::expired, give_up_looking}}},
    {Phase::stopped,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue},
      {I::broken, park_unreadable}, {I::mended, stay}}},
    {Phase::queued,
     {{I::want_up, stay}, {I::want_down, wind_down}, {I::want_bounce, stay}, {I::turn, look},
      {I::broken, park_unreadable}, {I::mended, stay}}},
    {Phase::finding,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::present, adopt}, {I::absent, prepare}, {I::foreign, blocked}, {I::expired, give_up_looking}}},
    {Phase::checking,
     {{I::want_up, stay}, {I::want_down, wind_down}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::checked, launch}, {I::check_failed, reject}, {I::expired, reject}}},
    // From here on a master may exist: a wish to stop waits until it can be stopped with proof.
    {Phase::launching,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::launched, prove}, {I::launch_failed, retry_launch}, {I::expired, undo_start}}},
    {Phase::proving,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::proven, note_master}, {I::ready, run}, {I::not_ready, undo_start}, {I::died, undo_start}, {I::quit, undo_start},
      {I::expired, undo_start}}},
    {Phase::running,
     {{I::want_up, already}, {I::want_down, leave}, {I::want_bounce, guard}, {I::broken, stay}, {I::mended, stay},
      {I::died, clear}, {I::quit, note_outside}}},
    {Phase::guarding,
     {{I::want_up, unguard}, {I::want_down, leave}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::checked, passed}, {I::check_failed, refuse}, {I::expired, refuse}, {I::died, clear},
      {I::quit, note_outside}}},
    {Phase::leaving,
     {{I::want_up, run}, {I::want_down, stay}, {I::want_bounce, guard}, {I::turn, terminate}, {I::broken, stay},
      {I::mended, stay}, {I::died, sweep}, {I::quit, sweep}}},
    // Once the SIGTERM is sent there is no way back but through the end: later wishes are remembered.
    {Phase::terminating,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::died, sweep}, {I::quit, sweep}, {I::expired, kill}}},
    {Phase::killing,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::died, sweep}, {I::quit, sweep}, {I::expired, stuck}}},
    {Phase::sweeping,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::died, stay}, {I::quit, stay}, {I::swept, settle}, {I::expired, sweep_harder}}},
    {Phase::clearing,
     {{I::want_up, stay}, {I::want_down, stay}, {I::want_bounce, stay}, {I::broken, stay}, {I::mended, stay},
      {I::cleared, recover}, {I::expired, recover}}},
    {Phase::backoff,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue}, {I::broken, park_unreadable},
      {I::mended, stay}, {I::expired, again}}},
    {Phase::failed,
     {{I::want_up, queue}, {I::want_down, wind_down}, {I::want_bounce, queue}, {I::broken, park_unreadable},
      {I::mended, queue}, {I::died, stay}, {I::quit, stay}, {I::expired, again}}},
});
// clang-format on

}  // namespace

constinit const MachineTable kMachineTable = table;

const char* name(Phase phase) {
  static constexpr const char* names[] = {"unknown",  "stopped",  "queued",   "finding", "checking",    "launching",
                                          "proving",  "running",  "guarding", "leaving", "terminating", "killing",
                                          "sweeping", "clearing", "backoff",  "failed"};
  static_assert(std::size(names) == kPhases && index(Phase::failed) == kPhases - 1);
  return names[index(phase)];
}

const char* name(Input input) {
  static constexpr const char* names[] = {
      "want_up", "want_down", "want_bounce", "turn",         "broken",   "mended",        "present",
      "absent",  "foreign",   "checked",     "check_failed", "launched", "launch_failed", "proven",
      "ready",   "not_ready", "died",        "quit",         "cleared",  "swept",         "expired"};
  static_assert(std::size(names) == kInputs && index(Input::expired) == kInputs - 1);
  return names[index(input)];
}

}  // namespace postmultid::supervision
