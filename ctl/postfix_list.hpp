// Postfix's own list of instances, read without the daemon: as postmulti(1) reads it, but that one which is broken does not hide
// the others.
#pragma once

#include <vector>

#include "client.hpp"
#include "model/operation.hpp"
#include "postfix/inventory.hpp"

namespace postmultid::ctl {

struct PostfixList {
  postfix::Instance primary;  // whoever is meant
  std::vector<postfix::Listed> chosen;
};

/// Those that are meant (all, where nobody is), in multi_instance_directories' order or against it.
Result<PostfixList> read_postfix_list(const model::Selection& selection, bool reverse);

}  // namespace postmultid::ctl
