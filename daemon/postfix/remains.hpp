// What is left of an instance when Postfix's own destroy has done what it can: it only removes empty directories, and one
// that was ever started has a pid file, sockets and caches (docs/postfix-facts.md, "postmulti"). Mail is never touched.
#pragma once

#include <string>
#include <vector>

#include "model/error.hpp"

namespace postmultid::postfix {

/// How much mail is where in a queue: "3 in hold, 1 in deferred"; empty: there is none. Fails where a directory cannot be
/// read, for then nobody knows. Blocks.
model::Result<std::string> mail_in(const std::string& queue_directory);

/// Removes what Postfix itself has made and makes anew: sockets, pid and lock files, caches, notes about mail that is gone,
/// the copies of this host's files for chrooted services, and directories that are empty then. Not if there is mail. Returns
/// what is still there. Blocks.
model::Result<std::vector<std::string>> remove_remains(const std::string& queue_directory,
                                                       const std::string& data_directory);

/// The directories below it and it itself, as long as nothing is in them. Never a file.
void remove_empty(const std::string& directory);

}  // namespace postmultid::postfix
