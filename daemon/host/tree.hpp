// Directories by descriptor: whoever may write to one cannot lead us out of it by a symbolic link. All of it blocks.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

struct DirectoryEntry {
  std::string name;
  struct stat facts {};  // of a symbolic link its own
};

/// A directory, and no symbolic link to one, in `parent` (or AT_FDCWD).
model::Result<Fd> open_directory(int parent, const std::string& name);

/// What is in it but "." and "..".
model::Result<std::vector<DirectoryEntry>> entries_of(const Fd& directory);

/// Whether somebody answers at this socket.
bool is_listened_to(const Fd& directory, const std::string& name);

/// Whether both are regular files of the same content. `b` may be a symbolic link to one.
bool same_content(const Fd& directory, const std::string& a, const std::string& b);

}  // namespace postmultid::host
