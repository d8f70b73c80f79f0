// What has to be done for Postfix's files to say what the definition says, and nothing is done: each instance's files are
// drafted on a private copy, tables are compared with their sources, and Postfix's master is asked what it thinks of the drafts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "definitions/definition.hpp"
#include "model/plan.hpp"
#include "model/problem.hpp"
#include "postfix/draft.hpp"
#include "postfix/inventory.hpp"
#include "postfix/new_instance.hpp"
#include "postfix/tables.hpp"
#include "postfix/versions.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

/// What the plan is made of.
struct Situation {
  definitions::Definition definition;
  std::vector<postfix::Listed> listed;
  std::string record_directory;                              // what was declared before
  std::function<bool(const std::string& directory)> runs;    // the instance with that configuration directory
  std::function<model::MemberId(const std::string&)> id_of;  // under which it is a member; empty: it is none
  bool run_commands = true;                                  // else tables whose source a command prints are left out
};

/// What is done to one instance.
struct Target {
  model::MemberPlan shown;
  postfix::Instance instance;  // as it is listed; of one that is to be made, its programs
  bool fresh = false;          // it is to be made
  bool import = false;         // ... of files that are there already
  definitions::Directories directories;
  std::string name, group;  // of one that is to be made
  postfix::Wanted wanted;
  postfix::Draft draft;
  std::vector<postfix::TableWork> tables;
  postfix::Declared declared;  // to be remembered

  postfix::NewInstance made() const {
    return {name, group, shown.config_directory, directories.queue.text, directories.data.text, {}};
  }
};

struct Work {
  model::Plan plan;
  std::vector<Target> targets;                          // of those that change, in the order of the plan
  std::map<std::string, postfix::Declared> remembered;  // by configuration directory, of those that do not
};

/// Fails with everything that is wrong, each with its place.
asio::awaitable<std::expected<Work, model::Problem>> make_plan(postfix::Tools& tools, Situation situation);

/// What it takes to have these files of an instance instead of those that are there; `up`: it runs.
asio::awaitable<std::expected<Work, model::Problem>> plan_return(postfix::Tools& tools, postfix::Instance instance,
                                                                 model::MemberId id, postfix::Files files, bool up,
                                                                 std::string record_directory);

}  // namespace postmultid::runtime
