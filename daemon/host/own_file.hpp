// Files that we may believe: what we read as root, and act on, must be by nobody else. A directory that others may write to, as
// /tmp, is no place for them.
#pragma once

#include <optional>
#include <string>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

/// The directory, where nobody but root and we may put or exchange files in it. A symbolic link is refused.
model::Result<Fd> open_own_directory(const std::string& path);

/// The text of a file in such a directory that is itself root's or ours and nobody else's to write; nothing: there is none.
/// One that is longer than `limit` is an error. Blocks.
model::Result<std::optional<std::string>> read_own_file(const std::string& path, std::size_t limit);

}  // namespace postmultid::host
