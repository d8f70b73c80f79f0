// Making instances and taking them out of Postfix's list, as postmulti(1) does: by Postfix's own postmulti-script, which is
// called directly, since postmulti reads all instances first and so fails for all where one is broken
// (docs/postfix-facts.md, "postmulti").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "postfix/instance.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

struct NewInstance {
  std::string name, group;                      // empty: none
  std::string config_directory;                 // absolute
  std::string queue_directory, data_directory;  // empty: beside the primary's, called as the instance
};

/// What of the primary's configuration all instances share, and what is said in its main.cf of the others.
struct Primary {
  std::string config_directory, queue_directory, data_directory;
  std::string command_directory, daemon_directory, meta_directory, shlib_directory;
  std::string wrapper;
  bool enabled = false;
  std::vector<std::string> secondaries;  // multi_instance_directories
};

asio::awaitable<model::Result<Primary>> read_primary(Tools& tools);

/// Makes the instance, the last of the list, with its services switched off and not enabled. On failure nothing is left
/// of it. Where the primary does not know of instances yet it is told first (`postmulti -e init`).
asio::awaitable<model::Result<void>> create_instance(Tools& tools, NewInstance wanted);

/// Takes files that are there into the list.
asio::awaitable<model::Result<void>> import_instance(Tools& tools, NewInstance wanted);

/// Takes away what create_instance() has made and nobody has used: its files, and those of its directories that are empty.
/// What is not empty stays, and is an error.
asio::awaitable<model::Result<void>> undo_create(Tools& tools, std::string config_directory);

/// `postmulti -e init`: the primary knows of instances. A wrapper that is there stays.
asio::awaitable<model::Result<void>> initialize_instances(Tools& tools);

/// The same instances in another order.
asio::awaitable<model::Result<void>> set_instance_order(Tools& tools, std::vector<std::string> directories);

/// Another name or group; an empty one clears it, nothing leaves it as it is.
asio::awaitable<model::Result<void>> assign_instance(Tools& tools, std::string config_directory,
                                                     std::optional<std::string> name, std::optional<std::string> group);

/// Takes it out of the list, and leaves its files alone. It must not run.
asio::awaitable<model::Result<void>> deport_instance(Tools& tools, std::string config_directory);

/// Takes it out of the list and removes it, if there is no mail in its queue. It must not run. Returns what is left and not
/// Postfix's own.
asio::awaitable<model::Result<std::vector<std::string>>> destroy_instance(Tools& tools, Instance instance);

}  // namespace postmultid::postfix
