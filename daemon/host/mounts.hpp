// On which mounted file system a path is (statx(2), /proc/self/mountinfo).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/error.hpp"

namespace postmultid::host {

/// Device names and numbers are another at every boot; where something is mounted, and of which type, is not.
struct Mount {
  std::string point, type;
  auto operator<=>(const Mount&) const = default;
};

/// A line of /proc/PID/mountinfo (proc(5)).
struct MountLine {
  std::uint64_t id = 0;
  std::string root;  // what of the file system is mounted
  std::string point, type;
};
std::optional<MountLine> parse_mount(const std::string& line);

/// That of `path`, or of its nearest parent that there is. Blocks where that file system hangs.
model::Result<Mount> mount_of(const std::string& path);

}  // namespace postmultid::host
