// The host's users and groups by name and by number. Everything here may ask a server in the network: blocks, perhaps for
// long. An Error means that nobody could tell; no value, that there is none.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"

namespace postmultid::host {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;  // the primary group
};

struct Group {
  gid_t gid = 0;
  std::vector<std::string> members;  // without those whose primary group it is
};

model::Result<std::optional<User>> user_called(const std::string& name);
model::Result<std::optional<User>> user_of(uid_t uid);
model::Result<std::optional<Group>> group_called(const std::string& name);

}  // namespace postmultid::host
