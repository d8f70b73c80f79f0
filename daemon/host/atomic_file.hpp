// Writing a file so that whoever reads it, and whoever comes after a crash, finds the old one or the new one, whole.
#pragma once

#include <string>

#include "model/error.hpp"

namespace postmultid::host {

/// Writes `text` to a new file (mode 0600) beside `path` and puts it in its place when it is on the disk. Makes the
/// directory if there is none. Blocks.
model::Result<void> replace_file(const std::string& path, const std::string& text);

/// The same where read_own_file() would believe it; fails where others may write to the directory.
model::Result<void> replace_own_file(const std::string& path, const std::string& text);

}  // namespace postmultid::host
