// Writing a file so that whoever reads it, and whoever comes after a crash, finds the old one or the new one, whole.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "model/error.hpp"

namespace postmultid::host {

/// Writes `text` to a new file (mode 0600) beside `path` and puts it in its place when it is on the disk. Makes the
/// directory if there is none. Blocks.
model::Result<void> replace_file(const std::string& path, const std::string& text);

/// Whose a file is, and who may read it.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
  mode_t mode = 0600;
};

/// Of the file that is there; root's and mode 0644 where there is none.
Owner same_as(const std::string& path);

/// The same with this owner, as if it had been written `age` ago. Where `path` is a symbolic link, the file that it leads to is
/// replaced.
model::Result<void> replace_file(const std::string& path, const std::string& text, Owner owner,
                                 std::chrono::seconds age = {});

/// As if the file had been written `age` ago; as it is, where that cannot be.
void make_older(const std::string& path, std::chrono::seconds age);

/// The same where read_own_file() would believe it; fails where others may write to the directory.
model::Result<void> replace_own_file(const std::string& path, const std::string& text);

}  // namespace postmultid::host
