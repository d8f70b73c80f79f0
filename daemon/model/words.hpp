// The words of postmultid as plain enumerations, with the one spelling that JSON, tables and metrics use.
// The axes are kept apart on purpose: what a member does (State), what somebody wishes (Desired), what Postfix's
// own main.cf says (enabled) and how well it does it (Health) never share a value.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace postmultid::model {

enum class State {
  stopped,
  waiting,  // wants to start; the reason names what it waits for
  starting,
  running,
  reloading,
  stopping,
  draining,
  backoff,  // a failure; the next try has a time
  failed,   // no quick retry any more; the reason says what would change that
  unknown,  // not looked at yet
};

enum class Desired { down, up };

enum class Health { unknown, ok, degraded };

enum class Kind { postfix, companion };

/// Why a master's life ended.
enum class ExitCause {
  exit,    // it returned a status by itself
  signal,  // a signal that nobody here sent
  oom,
  requested,  // we asked
  unknown,    // it was not our child, and the kernel does not tell
};

/// What kind of thing went wrong decides what happens next.
enum class FailureClass {
  crash,        // retried by policy
  config,       // retried when the file changes, and slowly
  environment,  // an address, a port, a mount, disk space: retried when that changes, and slowly
};

/// Whether postmultid runs this host's mail system, or only looks at it (never starts, stops or signals anything).
enum class Mode { observe, manage };

enum class Action { start, stop, restart, reload, flush, drain, abort, check, enable, disable, reset_failed };

enum class OperationState { running, finished };

/// What became of one member in one operation.
enum class Outcome {
  pending,
  done,
  unchanged,  // it was already so
  skipped,    // disabled, and not asked for by name
  failed,
  refused,     // a guard said no; nothing was touched
  superseded,  // a later operation took this member over
  cancelled,   // by request, before anything was done to it
};

// clang-format off
NLOHMANN_JSON_SERIALIZE_ENUM(State, {{State::unknown, "unknown"},
                                     {State::stopped, "stopped"},
                                     {State::waiting, "waiting"},
                                     {State::starting, "starting"},
                                     {State::running, "running"},
                                     {State::reloading, "reloading"},
                                     {State::stopping, "stopping"},
                                     {State::draining, "draining"},
                                     {State::backoff, "backoff"},
                                     {State::failed, "failed"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Desired, {{Desired::down, "down"}, {Desired::up, "up"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Health,
                             {{Health::unknown, "unknown"}, {Health::ok, "ok"}, {Health::degraded, "degraded"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Kind, {{Kind::postfix, "postfix"}, {Kind::companion, "companion"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ExitCause, {{ExitCause::unknown, "unknown"},
                                         {ExitCause::exit, "exit"},
                                         {ExitCause::signal, "signal"},
                                         {ExitCause::oom, "oom"},
                                         {ExitCause::requested, "requested"}})
NLOHMANN_JSON_SERIALIZE_ENUM(FailureClass, {{FailureClass::crash, "crash"},
                                            {FailureClass::config, "config"},
                                            {FailureClass::environment, "environment"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Mode, {{Mode::observe, "observe"}, {Mode::manage, "manage"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Action, {{Action::start, "start"},
                                      {Action::stop, "stop"},
                                      {Action::restart, "restart"},
                                      {Action::reload, "reload"},
                                      {Action::flush, "flush"},
                                      {Action::drain, "drain"},
                                      {Action::abort, "abort"},
                                      {Action::check, "check"},
                                      {Action::enable, "enable"},
                                      {Action::disable, "disable"},
                                      {Action::reset_failed, "reset-failed"}})
NLOHMANN_JSON_SERIALIZE_ENUM(OperationState,
                             {{OperationState::running, "running"}, {OperationState::finished, "finished"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Outcome, {{Outcome::pending, "pending"},
                                       {Outcome::done, "done"},
                                       {Outcome::unchanged, "unchanged"},
                                       {Outcome::skipped, "skipped"},
                                       {Outcome::failed, "failed"},
                                       {Outcome::refused, "refused"},
                                       {Outcome::superseded, "superseded"},
                                       {Outcome::cancelled, "cancelled"}})

// clang-format on

// All of them, for who shows also those that nothing is in now.
inline constexpr std::array kStates{State::stopped,  State::waiting,  State::starting, State::running, State::reloading,
                                    State::stopping, State::draining, State::backoff,  State::failed,  State::unknown};
inline constexpr std::array kHealths{Health::ok, Health::degraded, Health::unknown};
inline constexpr std::array kActions{Action::start,  Action::stop,    Action::restart,     Action::reload,
                                     Action::flush,  Action::drain,   Action::abort,       Action::check,
                                     Action::enable, Action::disable, Action::reset_failed};
static_assert(kStates.size() == static_cast<std::size_t>(State::unknown) + 1);
static_assert(kActions.size() == static_cast<std::size_t>(Action::reset_failed) + 1);

/// Whether this changes something about the mail system; else it only looks, or forgets.
inline bool acts(Action action) { return action != Action::check && action != Action::reset_failed; }

/// Whether a member in this state does its work.
inline bool is_up(State state) {
  return state == State::running || state == State::reloading || state == State::draining;
}

/// The word for a value, as everywhere else: to_word(State::backoff) == "backoff".
template <typename Enum>
std::string to_word(Enum value) {
  return nlohmann::json(value).template get<std::string>();
}

}  // namespace postmultid::model
