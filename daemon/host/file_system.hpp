// How much room a file system has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace postmultid::host {

struct FileSystem {
  std::uint64_t free_bytes = 0, free_blocks = 0;  // for others than root
  std::optional<std::uint64_t> free_inodes;       // nothing: it has no fixed number of them
  bool read_only = false;
};

/// Of the file system that `path` is on; nothing if that cannot be seen. May block.
std::optional<FileSystem> file_system(const std::string& path);

}  // namespace postmultid::host
