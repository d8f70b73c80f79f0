// An operation: a request being carried out, with what became of each member.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/status.hpp"
#include "model/words.hpp"

namespace postmultid::model {

/// Whom an operation is about: exactly one of the three is given.
struct Selection {
  std::vector<std::string> names;  // ids, short names, configuration directories, "-", patterns such as postfix-*
  std::string group;
  bool all = false;
};

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
};

/// Who asked, as the kernel says.
struct Requester {
  int pid = 0;
  unsigned uid = 0;
};

struct Operation {
  OperationId id;
  Action action = Action::start;
  OperationState state = OperationState::running;
  std::vector<OperationMember> members;
  WallTime created_at;
  std::optional<WallTime> finished_at;
  std::optional<Requester> requested_by;  // nothing: the daemon itself

  /// Every member ended as asked, or was so already, or was rightly skipped.
  bool succeeded() const;
};

void to_json(nlohmann::json& j, const Selection& selection);
/// Throws nlohmann::json::exception on a wrong type; unknown keys are the caller's to refuse.
void from_json(const nlohmann::json& j, Selection& selection);
void to_json(nlohmann::json& j, const Operation& operation);
void from_json(const nlohmann::json& j, Operation& operation);

}  // namespace postmultid::model
