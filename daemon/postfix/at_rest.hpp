// Proof that an instance is down, and that it stays so meanwhile.
#pragma once

#include "host/fd.hpp"
#include "model/error.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// The lock that its master needs to start, as long as this lives; nothing where its queue_directory is not
/// there, or not known. Fails where a master has it, or where one of the instance's processes is left. Blocks.
model::Result<host::Fd> keep_down(const Instance& instance);

}  // namespace postmultid::postfix
