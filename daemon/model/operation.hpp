// An operation: a request being carried out, with what became of each member.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/status.hpp"
#include "model/words.hpp"

namespace postmultid::model {

/// The operation that text() of its id says; nothing for any other text.
std::optional<OperationId> operation_called(const std::string& text);

/// Whom an operation is about: exactly one of the three is given.
struct Selection {
  std::vector<std::string> names;  // ids, short names, configuration directories, "-", patterns such as postfix-*
  std::string group;
  bool all = false;
};

/// How an operation is to be carried out. Each fits some actions only.
struct OperationOptions {
  bool hold = true;               // start, restart: not beside members before it, in its order, that have failed
  bool rolling = false;           // restart: one member at a time, the next one when the last is ready again
  bool accept_new_queue = false;  // start, restart: also where queue_directory is on another file system than last time
  // start, stop, reload: as postfix.service means them. What a stop ends stays wanted up, a start leaves alone who is not
  // wanted up, and a reload who does not run.
  bool keep_desired = false;
  std::optional<std::chrono::seconds> deadline;  // drain: what has not ended by itself by then is ended
};

/// What somebody wants done.
struct Request {
  Action action = Action::start;
  Selection select;
  OperationOptions options;
};

/// Why these options make no sense with this action; empty if they do.
std::string unfit(const Request& request);

/// Something that an operation's member came to: a phase of the core ("checking", "launching", "running", …).
struct OperationStep {
  std::string name;
  WallTime at;
};

struct OperationMember {
  MemberId id;
  Outcome outcome = Outcome::pending;
  std::string message;
  std::string waiting_for;  // the id of the member that has to be up (or down) first
  std::vector<OperationStep> steps;
  std::optional<WallTime> finished_at;  // when that became its outcome
};

/// Who asked, as the kernel says.
struct Requester {
  int pid = 0;
  unsigned uid = 0;
  std::string name;  // of that user; empty: it has none, or nobody could tell in time
};

struct Operation {
  OperationId id;
  Action action = Action::start;
  Selection selection;  // as asked
  OperationOptions options;
  OperationState state = OperationState::running;
  std::vector<OperationMember> members;
  std::string progress;  // what is waited for just now, in words
  WallTime created_at;
  std::optional<WallTime> finished_at;
  std::optional<Requester> requested_by;  // nothing: the daemon itself

  /// Every member ended as asked, or was so already, or was rightly skipped.
  bool succeeded() const;

  /// When its first member took its first step.
  std::optional<WallTime> started_at() const;
};

/// What an operation would do, if all goes well: POST /v1/operations with dry_run.
struct DryRun {
  struct Step {
    MemberId id;
    std::string name;
  };
  Request request;
  std::vector<Step> steps;               // of all members, in the order in which they would be taken
  std::vector<OperationMember> members;  // in start order; what would become of each
  bool complete = true;                  // false: there are more steps than these
};

void to_json(nlohmann::json& j, const Selection& selection);
void to_json(nlohmann::json& j, const OperationOptions& options);
void from_json(const nlohmann::json& j, OperationOptions& options);
/// Throws nlohmann::json::exception on a wrong type; unknown keys are the caller's to refuse.
void from_json(const nlohmann::json& j, Selection& selection);
void to_json(nlohmann::json& j, const Operation& operation);
void to_json(nlohmann::json& j, const DryRun& dry_run);
void from_json(const nlohmann::json& j, DryRun& dry_run);
void from_json(const nlohmann::json& j, Operation& operation);

}  // namespace postmultid::model
