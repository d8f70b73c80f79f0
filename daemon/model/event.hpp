// A numbered fact: what happened to whom, for people who were not there, and for programs that keep up with it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "model/status.hpp"

namespace postmultid::model {

/// What an event is about. Every change of a state, of a health, of an operation and of the configuration is one; facts are
/// what people want to know besides: who died, of what, and what was done about it.
enum class EventKind {
  fact,
  state,          // a member's; `from` and `to` are states
  health,         // a member's; `from` and `to` are healths
  operation,      // it was begun, one of its members is done, it has ended
  configuration,  // files, members, or who manages this host
  gap,            // events up to this number are not known any more, or never were
};

// clang-format off
NLOHMANN_JSON_SERIALIZE_ENUM(EventKind, {{EventKind::fact, "fact"},
                                         {EventKind::state, "state"},
                                         {EventKind::health, "health"},
                                         {EventKind::operation, "operation"},
                                         {EventKind::configuration, "configuration"},
                                         {EventKind::gap, "gap"}})
// clang-format on

struct Event {
  std::uint64_t number = 0;
  WallTime at;
  std::string instance;  // a member's id; empty: the daemon itself
  std::string what;      // one word: "died", "running", "reloaded"
  std::string message;
  EventKind kind = EventKind::fact;
  std::string from, to;                  // state, health: the words of before and now
  std::optional<OperationId> operation;  // operation: which
};

void to_json(nlohmann::json& j, const Event& event);
void from_json(const nlohmann::json& j, Event& event);

}  // namespace postmultid::model
