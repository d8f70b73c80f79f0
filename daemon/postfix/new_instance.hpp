// What an instance is to be that is not there yet, and why it cannot be: postmulti's own rules, and what postmulti would find only
// when half of it is done, or never (docs/postfix-facts.md, "postmulti").
#pragma once

#include <string>
#include <vector>

#include "postfix/inventory.hpp"

namespace postmultid::postfix {

/// Where it is to stand in multi_instance_directories.
struct Position {
  enum class Where { last, first, before, after } where = Where::last;
  std::string directory;  // before, after: the configuration directory of that one; after the primary is first
};

struct NewInstance {
  std::string name, group;                                        // empty: none
  std::string config_directory, queue_directory, data_directory;  // absolute paths; empty: not said
  Position position;
};

/// The same with directories that were not said where postmulti puts them: beside the primary's, and called as the instance.
NewInstance completed(NewInstance wanted, const Instance& primary);

/// As the list has it once it is made.
Listed as_listed(const NewInstance& made);

/// Why nothing can be called so, with the next step; empty: it can. "postfix-out"; a group may be called anything.
std::string unfit_name(const std::string& name);
std::string unfit_group(const std::string& group);

/// Why nothing is to be made in these directories: they are within another one's or the other way round, or somebody's files are
/// there; empty: nothing is against it. Blocks.
std::string unfit_place(const NewInstance& wanted, const std::vector<Listed>& present,
                        const std::vector<std::string>& shared);

/// Whether `name` is that of one of these already, other than the one in `but_directory`.
std::string taken_name(const std::vector<Listed>& present, const std::string& name,
                       const std::string& but_directory = "");

/// Why it cannot be made beside these, with the next step; empty: it can. `shared`: the directories of Postfix's own files, which
/// are nobody's. Looks at the file system (symbolic links).
std::string unfit(const NewInstance& wanted, const std::vector<Listed>& present,
                  const std::vector<std::string>& shared);

/// multi_instance_directories with it in its place.
std::vector<std::string> with(const NewInstance& wanted, const std::vector<Listed>& present);

/// multi_instance_directories as it is.
std::vector<std::string> secondaries(const std::vector<Listed>& present);

}  // namespace postmultid::postfix
