// What goes into the core and what comes out: plain values. The shell turns what it sees into an Event, and carries
// out each Action; it never decides anything itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/fault.hpp"
#include "model/ids.hpp"
#include "model/operation.hpp"
#include "model/status.hpp"
#include "model/words.hpp"
#include "supervision/machine_table.hpp"
#include "supervision/policy.hpp"
#include "supervision/remembered.hpp"
#include "supervision/time.hpp"

namespace postmultid::supervision {

using model::Fault;
using model::MemberId;
using model::OperationId;

/// How events speak of a member whose life is no process of ours.
struct Wording {
  std::string life;     // "spampd.service"
  std::string stopped;  // what is known of it then: "it is inactive"
};

/// What Postfix's own files and the definition say about a member, as far as the core needs it. What is called a master
/// here is what a member stands or falls with: one process, a companion's too, or what somebody else tells of it.
struct MemberSpec {
  MemberId id;
  std::string group;  // empty: none
  bool enabled = false;
  std::optional<Fault> broken;  // why this member cannot be supervised as it stands
  Policy policy;
  bool examinable = true;               // where its master would be is known, and is nobody else's place
  bool primary = false;                 // starts before all others
  bool companion = false;               // not Postfix: nothing to reload, flush or enable
  bool listed = true;                   // false: nobody lists it any more, but it runs
  std::optional<Wording> wording = {};  // nothing: it is a process
};

struct GroupSpec {
  std::string name;
  bool parallel = false;  // its members do not wait for each other
  bool required = false;  // later groups wait until all of it is up
};

// ---- events

/// The inventory was read: these are the members, those of one group in their order, and the groups whose order or
/// rules somebody wrote down.
struct InventoryRead {
  std::vector<MemberSpec> members;
  std::vector<GroupSpec> groups;
  std::map<MemberId, Remembered> remembered = {};  // by an earlier daemon; for members that are new to this one
};

/// Somebody asks for something; `named` are the members that were meant one by one (a disabled member is started or
/// stopped only so).
struct Requested {
  OperationId operation;
  model::Action action = model::Action::start;
  std::vector<MemberId> members;
  bool named = false;
  model::OperationOptions options = {};
  bool only_up = false;  // leave alone who is wanted down by now
};

/// Something happened to one member.
struct Happened {
  MemberId id;
  Input input = Input::expired;
  AttemptId attempt = AttemptId::none;
  int pid = 0;                 // present, proven; 0 where it is no process
  std::optional<Fault> fault;  // foreign, check_failed, launch_failed, not_ready, not_reloaded
  std::optional<Exit> exit;    // died; absent, of who was lost
  unsigned survivors = 0;      // cleared
};

/// A look at the running master that was reported under `master`.
struct Looked {
  MemberId id;
  AttemptId master = AttemptId::none;
  std::vector<model::Check> checks;
};

/// What became known later about the end of that master: the kernel's word, and the last words of its log.
struct Explained {
  MemberId id;
  AttemptId master = AttemptId::none;
  bool oom = false;
  Fault fault;  // its message and hint may be empty: nothing was found
};

/// An errand is done.
struct ErrandDone {
  OperationId operation;
  MemberId id;
  model::Outcome outcome = model::Outcome::done;
  std::string message;
};

/// These run programs that are not those on the disk any more, and whoever replaces them has done.
struct ProgramsReplaced {
  std::vector<MemberId> members;
};

/// Addresses, mounts, names or free space are not as they were.
struct SurroundingsChanged {
  model::Missing what = model::Missing::nothing;
};

/// Whatever this operation has not begun with yet is not wanted any more.
struct Cancelled {
  OperationId operation;
};

/// From now on this host is managed, or only observed.
struct ModeChanged {
  model::Mode mode = model::Mode::manage;
};

/// End everything in order, then Leave. Who only observes leaves at once.
struct ShutdownRequested {};

using Event = std::variant<InventoryRead, Requested, Happened, Looked, Explained, ErrandDone, ProgramsReplaced,
                           SurroundingsChanged, Cancelled, ModeChanged, ShutdownRequested>;

// clang-format off
// ---- actions: work (each answers with Happened and the same attempt id)

/// If none is there: how did the one end that was `lost` (0: none) from sight?
struct FindMaster { MemberId id; AttemptId attempt; int lost = 0; };
/// Before a start: shut what earlier masters, whoever saw them end, have left listening; then, would it start?
struct Check { MemberId id; AttemptId attempt; bool accept_new_queue = false; };
/// Would a reload kill its master? If `restart`: would it start again?
struct Guard { MemberId id; AttemptId attempt; bool restart = false; bool accept_new_queue = false; };
struct Launch { MemberId id; AttemptId attempt; bool accept_new_queue = false; };
/// Make this master read its files again, and see what became of it.
struct Reload { MemberId id; AttemptId attempt; AttemptId master; };
struct Probe { MemberId id; AttemptId attempt; Duration limit{}; };
/// Shut what a dead master's processes still listen on; 0: of whatever master.
struct ClearListeners { MemberId id; AttemptId attempt; int master_pid = 0; };
/// End what is left: with SIGTERM, or with SIGKILL when `force`; of the whole instance, or of this master only.
struct Sweep { MemberId id; AttemptId attempt; bool force = false; int only_of_master = 0; };
/// The master is dead: nothing new for its processes, and wait until they have done what they are at.
struct Drain { MemberId id; AttemptId attempt; int master_pid = 0; };
/// Wait until what this member lacks may have come: the end of that process, which has it, or an answer (0).
struct AwaitRelief { MemberId id; AttemptId attempt; int holder = 0; };
/// Stop that work; its answer is not wanted any more.
struct Abandon { MemberId id; AttemptId attempt; };

// ---- actions: the rest

/// To the master that was reported under `master`, through its pidfd.
struct SignalMaster { MemberId id; AttemptId master; bool kill = false; };
struct ArmTimer { MemberId id; AttemptId attempt; Instant at; };
struct CancelTimer { MemberId id; AttemptId attempt; };
/// What leaves the state as it is: flush, check, enable, disable. Answered with ErrandDone within `limit`, after the
/// inventory was read again if main.cf was edited.
struct Errand { OperationId operation; MemberId id; model::Action action; Duration limit{}; };
/// What earlier masters have left beside the one reported under `master` is watched, and ended then.
struct EndSurvivors { MemberId id; AttemptId master; Instant at; };
/// Ask for this as somebody else would, of who is still wanted up: it is an operation of its own.
struct Initiate { model::Action action; std::vector<MemberId> members; model::OperationOptions options; };
/// Find out why that master ended; nothing waits for it. Answered with Explained, or not at all.
struct Explain { MemberId id; AttemptId master; Exit exit; };
/// An operation's member goes on to its next step: a phase, or an errand.
struct Progress { OperationId operation; MemberId id; std::string step; };
/// A member's state is another now.
struct Entered { MemberId id; model::State from, to; };
/// A fact for the log and the event stream.
struct Record { MemberId id; std::string what, message; };
/// What became of a member in an operation.
struct Concluded { OperationId operation; MemberId id; model::Outcome outcome; std::string message; };
/// The member is not in the inventory any more, and nothing of it runs.
struct Forget { MemberId id; };
/// Read the inventory again: what could not be read may be readable now.
struct Reread {};
/// Everything is down: end the daemon.
struct Leave {};
// clang-format on

using Action = std::variant<FindMaster, Check, Guard, Launch, Reload, Probe, ClearListeners, Sweep, Drain, AwaitRelief,
                            Abandon, SignalMaster, EndSurvivors, ArmTimer, CancelTimer, Errand, Initiate, Explain,
                            Progress, Entered, Record, Concluded, Forget, Reread, Leave>;

}  // namespace postmultid::supervision
