#include "host/mounts.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace postmultid::host {

namespace {

/// mountinfo writes white space and backslashes as \\ooo.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

std::optional<MountLine> parse_mount(const std::string& line) {
  // 36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/sda1 rw
  std::istringstream words(line);
  MountLine mount;
  std::string skipped;
  if (!(words >> mount.id >> skipped >> skipped >> mount.root >> mount.point)) return std::nullopt;
  while (words >> skipped && skipped != "-") continue;
  if (!(words >> mount.type)) return std::nullopt;
  mount.root = unescaped(mount.root);
  mount.point = unescaped(mount.point);
  return mount;
}

model::Result<Mount> mount_of(const std::string& path) {
  std::filesystem::path existing = path;
  struct statx facts {};
  while (::statx(AT_FDCWD, existing.c_str(), 0, STATX_MNT_ID, &facts) < 0) {
    if (errno != ENOENT || existing == existing.parent_path())
      return std::unexpected(model::system_error("statx " + existing.string()));
    existing = existing.parent_path();
  }
  if (!(facts.stx_mask & STATX_MNT_ID)) return model::failure("this kernel does not tell the mount of a file");
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (auto mount = parse_mount(line); mount && mount->id == facts.stx_mnt_id) return Mount{mount->point, mount->type};
  return model::failure(existing.string() + ": its mount is not in /proc/self/mountinfo");
}

}  // namespace postmultid::host
