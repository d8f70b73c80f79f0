// The machine of one member as a table: what it is doing (Phase) x what happens to it (Input) -> what it does about
// it (Step). This file is the whole behaviour at a glance; machine.cpp says how each step is taken.
//
//   unknown ── looked at once, at the beginning: is a master there already? ──> running, stopped, queued, failed
//
//   stopped ──> queued ──> finding ──> checking ──> launching ──> proving ──> running
//               its turn   a master    postfix      master -w     proof and
//               in order   there?      check                      readiness
//
//   running ──> leaving ──> terminating ──> killing ──> sweeping ──> stopped (or queued again)
//               its turn    SIGTERM         SIGKILL     left-overs, evidence
//   running ──> leaving ──> killing ──> draining ──> sweeping ──> stopped   "drain": what is under way is finished
//   running ──> guarding ("restart": check first; a bad configuration never stops a good master) ──> leaving
//   running ──> vetting ("reload": check first, too) ──> reloading (SIGHUP, and a look at what became of it) ──> running
//   running ──> clearing ──> launching         a crash: the stale listeners of its survivors are shut, and
//                    └─────> backoff, failed   `master -w` alone brings it back, at once or by policy
//   stopped, queued, backoff, failed ──> finding   somebody else started a master: it is adopted
//
// Who only observes has a table of his own: unknown, stopped, finding, running and failed are all that happens there,
// and every way ends in seeing what is, never in changing it.
//
// Every pair has a Step. Pairs that cannot happen are Step::impossible: counted, logged, and otherwise harmless.
// Results of work that is no longer wanted never get here: they carry an old attempt id (see Machine::take).
#pragma once

#include <array>
#include <cstddef>

namespace postmultid::supervision {

// These are read as tables.
// clang-format off
enum class Phase {
  unknown, stopped, queued, finding, checking, launching, proving, running,
  guarding, vetting, reloading, leaving, terminating, killing, draining, sweeping, clearing, backoff, failed,
};
inline constexpr std::size_t kPhases = 19;

enum class Input {
  want_up, want_down, want_bounce,  // somebody's wish; bounce = restart
  want_abort,                       // down, at once and without waiting for the order
  want_drain,                       // down, when what is under way is done
  want_reload,
  turn,                             // the fleet: the order allows the next step
  broken, mended,                   // the inventory: its files cannot be read, can be read again
  edited,                           // its files were changed
  relieved,                         // what was missing around it may have come
  unhealthy,                        // it is to be restarted for its health
  sighted,                          // a master that nobody here started was seen
  present, absent, foreign,         // finding: its master runs; nothing runs; something unproven is in the way
  checked, check_failed,
  launched, launch_failed,
  proven,                           // its master is known now, readiness is still open
  ready, not_ready,
  reloaded, not_reloaded,           // the master lives on and is ready; lives on, but the reload was not done
  died, quit,                       // the master is gone: a crash; because somebody asked (see meaning())
  cleared, drained, swept,
  expired,                          // the timer of this phase
};
inline constexpr std::size_t kInputs = 31;

enum class Step {
  impossible,
  stay,            // nothing to do; the wish, if it was one, is remembered
  already,         // a wish that is already true
  queue,           // wait for the turn to start
  wind_down,       // make sure that nothing of it runs, then rest
  look,            // is a master there already?
  adopt,           // it is: take it as it is
  prepare,         // it is not: check, or launch where the check has been done
  give_up_looking,
  blocked,         // something that cannot be proved is in the way
  launch,
  prove,
  note_master,     // it can be signalled from now on
  withdraw,        // it is not wanted any more, ready or not
  run,             // ready (or leave at once, if it is not wanted any more)
  reject,          // the check says no: a configuration failure
  retry_launch,    // master -w failed: nothing runs; policy decides
  undo_start,      // a master is there but not ready: end it, then policy decides
  park_unreadable, // its files cannot be read
  guard,           // check before the old master is touched
  heal,            // ... which is not well
  passed,          // the guard says yes
  refuse,          // the guard says no: the old master stays
  unguard,         // stop the guard's check, stay running
  leave,           // wait for the turn to stop
  terminate, kill, sweep, sweep_harder,
  hurry,           // it has had its time to finish
  stuck,           // it does not go away
  settle,          // swept: rest, start again, or let policy decide
  clear,           // a crash
  take_back,       // wanted again while what it did is finished: as after a crash, its sockets are shut before the next start
  note_outside,    // somebody else stopped it
  peek,            // somebody else started it, it seems
  vet,             // check before the master is told to read its files
  reload,
  note_reloaded,
  reload_failed,   // the master lives on as it was
  refuse_reload,
  reload_later,    // it may have read its files already: again when it is ready
  no_reload,       // nothing reads files now; a start to come will
  abort, sweep_now,
  retry_edited,    // a refused configuration was changed
  retry_relieved,  // what was missing may be there
  recover,         // cleared: policy decides
  again,           // the delay is over
  note_absent,     // observing: nothing runs, and it is left so
  note_lost,       // observing: its master died, and that is all
};

// clang-format on

constexpr std::size_t index(Phase phase) { return static_cast<std::size_t>(phase); }
constexpr std::size_t index(Input input) { return static_cast<std::size_t>(input); }

using MachineTable = std::array<std::array<Step, kInputs>, kPhases>;

/// The step for every phase and input.
extern const MachineTable kMachineTable;

/// The same for who only observes.
extern const MachineTable kObserverTable;

const char* name(Phase phase);
const char* name(Input input);

}  // namespace postmultid::supervision
