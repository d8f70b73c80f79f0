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
  std::vector<std::string> names;  // ids, short names, configuration directories, "-"
  std::string group;
  bool all = false;
};

struct OperationMember {
  MemberId id;
  Outcome outcome = Outcome::pending;
  std::string message;
};

struct Operation {
  OperationId id;
  Action action = Action::start;
  OperationState state = OperationState::running;
  std::vector<OperationMember> members;
  WallTime created_at;
  std::optional<WallTime> finished_at;

  /// Every member ended as asked, or was so already, or was rightly skipped.
  bool succeeded() const;
};

void to_json(nlohmann::json& j, const Selection& selection);
/// Throws nlohmann::json::exception on a wrong type; unknown keys are the caller's to refuse.
void from_json(const nlohmann::json& j, Selection& selection);
void to_json(nlohmann::json& j, const Operation& operation);
void from_json(const nlohmann::json& j, Operation& operation);

}  // namespace postmultid::model
