#include "host/file_system.hpp"

#include <sys/statvfs.h>

namespace postmultid::host {

std::optional<FileSystem> file_system(const std::string& path) {
  struct statvfs facts {};
  if (::statvfs(path.c_str(), &facts) < 0) return std::nullopt;
  FileSystem found;
  found.free_blocks = facts.f_bavail;
  found.free_bytes = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
  // Some file systems have no fixed number of inodes and say 0 of 0.
  if (facts.f_files > 0) found.free_inodes = facts.f_favail;
  found.read_only = (facts.f_flag & ST_RDONLY) != 0;
  return found;
}

}  // namespace postmultid::host
