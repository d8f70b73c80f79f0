// A place in a log that others write: what stands before it is old, what comes after it is new. The file may be rotated
// or cut meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/proc.hpp"

namespace postmultid::host {

/// The end of a file as it was.
struct FilePlace {
  std::string path;
  std::optional<FileId> file;  // nothing: there was none
  std::uint64_t offset = 0;
};

/// The end of several files, and when that was: for what is logged elsewhere.
struct LogMark {
  std::chrono::system_clock::time_point at;
  std::vector<FilePlace> files;
};

/// Blocks on the disk.
FilePlace end_of(const std::string& path);

/// What was written since, in lines; of each file at most its last `limit` bytes, and only whole lines. A file that was
/// renamed is looked for beside the new one, by its inode; one that was cut is read from its beginning. Anything but a
/// regular file is not read: it might be waited for. Blocks on the disk.
std::vector<std::string> lines_since(const FilePlace& place, std::size_t limit);

}  // namespace postmultid::host
