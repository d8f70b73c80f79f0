// What applying the definition would do to this host, and what it has done: POST /v1/definitions/plan, apply and rollback.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/words.hpp"

namespace postmultid::model {

/// What changes in one file of an instance.
struct FileChange {
  std::string file;                   // "main.cf", "master.cf", or a table's source
  std::vector<std::string> lines;     // "- " what is there, "+ " what is to be; secrets are masked
  std::optional<unsigned> left_out;   // lines of the change that are not shown
  std::optional<unsigned> unchanged;  // lines of a table's source that stay
  std::string note;                   // "ignored by a reload"
};

/// What is done to one member, step by step.
struct MemberPlan {
  MemberId id;
  std::string config_directory;
  std::vector<std::string>
      steps;                 // of create, import, edit, postmap, enable, disable, reload, restart, start; in this order
  std::string interruption;  // "no interruption", "*:25 closed while it restarts"
  std::vector<FileChange> changes;
  std::vector<std::string> warnings;  // FILE:LINE:COLUMN: what is likely a mistake

  bool has(const std::string& step) const;
};

struct Plan {
  std::string id;                   // the same for the same changes of the same files; empty: nothing is to be done
  std::vector<MemberPlan> members;  // in the order in which it is done
  std::vector<MemberId> unchanged;
  std::string order;                 // the new multi_instance_directories; empty: stays, but for who is new
  std::vector<std::string> primary;  // what making instances changes in the primary's main.cf: "+ name = value"
  std::vector<std::string> warnings;

  bool needs_restart() const;
};

/// What became of one member when a plan was carried out.
struct Applied {
  MemberId id;
  std::string result;  // changed, failed, not-begun
  std::string message;
};

struct Application {
  std::string plan;
  std::vector<Applied> members;
  std::string order;  // as in the plan, if it was written

  bool succeeded() const;
};

/// What a plan is to be carried out with.
struct ApplyRequest {
  std::string plan;  // its id; empty: whatever is to be done now
  bool allow_restart = false;
};

struct RollbackRequest {
  std::string instance;  // as members are named
  std::string version;   // of those that are kept; empty: the last one that ran, else the newest that differs
  bool allow_restart = false;
};

void to_json(nlohmann::json& j, const FileChange& change);
void from_json(const nlohmann::json& j, FileChange& change);
void to_json(nlohmann::json& j, const MemberPlan& member);
void from_json(const nlohmann::json& j, MemberPlan& member);
void to_json(nlohmann::json& j, const Plan& plan);
void from_json(const nlohmann::json& j, Plan& plan);
void to_json(nlohmann::json& j, const Applied& applied);
void from_json(const nlohmann::json& j, Applied& applied);
void to_json(nlohmann::json& j, const Application& application);
void from_json(const nlohmann::json& j, Application& application);

}  // namespace postmultid::model
