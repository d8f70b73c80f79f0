// Who may do what: the roles of the definition as numbers, which is what the kernel tells of a peer.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "definitions/definition.hpp"
#include "host/peer.hpp"
#include "model/role.hpp"

namespace postmultid::runtime {

/// The group whose members may connect to the control socket, and are monitors.
constexpr char kControlGroup[] = "postmultid";

struct Access {
  std::map<uid_t, model::Role> users;   // those of the definition, and the listed members of its groups
  std::map<gid_t, model::Role> groups;  // for who is in one by the kernel's word, whatever the database lists
  std::map<uid_t, std::string> names;   // of all users that were looked up
  std::vector<std::string> problems;    // FILE:LINE:COLUMN: who does not exist, or cannot connect

  bool operator==(const Access&) const = default;

  /// The most that it is given by anything; root has all.
  model::Role role_of(const host::Peer& peer) const;
};

/// Looks everybody up: blocks.
Access resolve(const definitions::Roles& roles);

}  // namespace postmultid::runtime
