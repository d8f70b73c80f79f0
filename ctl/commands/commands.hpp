// The verbs of pmctl. Each returns the exit status; what went wrong was said on standard error.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "model/instance_change.hpp"
#include "model/operation.hpp"
#include "model/words.hpp"

namespace postmultid::ctl {

enum class Format { table, wide, json, columns };

/// How long to wait where nobody says it.
inline constexpr std::chrono::minutes kWaitLimit{10};

/// What every verb may be told.
struct Options {
  std::string socket = "/run/postmultid/control.sock";
  Format format = Format::table;
  std::vector<std::string> columns;
  model::Selection selection;   // empty: everything, where that makes sense
  model::OperationOptions how;  // start, restart, drain
  bool wait = true;
  std::optional<std::chrono::milliseconds> timeout;
  std::string state = "running";                         // wait: for this
  std::size_t lines = 20;                                // logs, events: so many of the last
  bool follow = false;                                   // events: and those to come
  bool quiet = false;                                    // is-…: the exit status only
  std::string operation;                                 // op: "op-7"
  std::string file = "/etc/postmultid/postmultid.yaml";  // validate
  std::string log_level;                                 // daemon log-level
  bool dry_run = false;                                  // start and the like, takeover, handback
  bool yes = false;                                      // takeover, handback
  bool allow_restart = false;                            // apply, rollback
  std::optional<std::string> plan;                       // apply: only this one
  std::string version;                                   // rollback: to this one
  std::vector<std::string> words;                        // postfix, exec: the command; create: name and directories
  model::InstanceChange change;                          // create and the like: what their options say
  bool as_postmulti = false;                             // list: in its format
  bool reverse = false;                                  // list, exec: the last first
  bool prefix = false;                                   // exec: each line with whose it is
  unsigned parallel = 1;                                 // exec: so many at a time

  bool selects() const { return !selection.names.empty() || !selection.group.empty() || selection.all; }
};

Exit status(const Options& options);
Exit list(const Options& options);
Exit operate(const Options& options, model::Action action);
Exit version(const Options& options);

Exit is_active(const Options& options);
Exit is_failed(const Options& options);
Exit is_enabled(const Options& options);
Exit wait_for(const Options& options);

Exit create(const Options& options);
Exit import(const Options& options);
Exit assign(const Options& options);
Exit deport(const Options& options);
Exit destroy(const Options& options);
Exit init(const Options& options);

/// Without the daemon, as postmulti -l and -x.
Exit list_as_postmulti(const Options& options);
Exit exec(const Options& options);

Exit logs(const Options& options);
Exit events(const Options& options);
Exit metrics(const Options& options);

Exit list_operations(const Options& options);
Exit show_operation(const Options& options);
Exit wait_for_operation(const Options& options);
Exit cancel_operation(const Options& options);

Exit take_over(const Options& options);
Exit hand_back(const Options& options);
Exit install_wrapper(const Options& options);
Exit remove_wrapper(const Options& options);
Exit show_wrapper(const Options& options);
Exit postfix(const Options& options);

Exit validate(const Options& options);
Exit apply(const Options& options);
Exit export_definition(const Options& options);
Exit roll_back(const Options& options);
Exit reread(const Options& options);
Exit change_log_level(const Options& options);

struct Known {
  nlohmann::json document;
  model::Status status;
  std::vector<model::Member> chosen;
};

/// The status, and those of its members that were asked for (all, where nothing was).
Result<Known> fetch(const Options& options, Client& client);
Result<Known> fetch(const Options& options);

/// Tells what this request to begin an operation would do.
Exit show_dry_run(const Options& options, Client& client, nlohmann::json wanted);

/// Waits for the end of an operation and reports each member as it is done. `since`: when the waiting began.
Exit follow(const Options& options, Client& client, nlohmann::json operation,
            std::chrono::steady_clock::time_point since);

/// Says it on standard error.
Exit complain(const Trouble& trouble);

}  // namespace postmultid::ctl
