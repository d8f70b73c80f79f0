#include "host/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace postmultid::host {

using model::Result;

Result<Fd> open_directory(int parent, const std::string& name) {
  Fd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return std::unexpected(model::system_error("open " + name));
  return directory;
}

Result<std::vector<DirectoryEntry>> entries_of(const Fd& directory) {
  Fd again(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::unique_ptr<DIR, int (*)(DIR*)> stream(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
  if (!stream) return std::unexpected(model::system_error("read a directory"));
  again.release();
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(stream.get());
    if (!found && errno) return std::unexpected(model::system_error("read a directory"));
    if (!found) return entries;
    DirectoryEntry entry{found->d_name};
    if (entry.name == "." || entry.name == "..") continue;
    if (::fstatat(directory.get(), found->d_name, &entry.facts, AT_SYMLINK_NOFOLLOW) == 0)
      entries.push_back(std::move(entry));
    else if (errno != ENOENT)
      return std::unexpected(model::system_error("stat " + entry.name));
  }
}

bool is_listened_to(const Fd& directory, const std::string& name) {
  // Its own path may be longer than the address of a socket.
  std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + name;
  sockaddr_un address{AF_UNIX, {}};
  if (path.size() >= sizeof(address.sun_path)) return true;  // not known
  path.copy(address.sun_path, path.size());
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Fd client(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!client) return true;
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
    if (errno == EPROTOTYPE) continue;  // it is of another type
    return errno != ECONNREFUSED;
  }
  return true;
}

bool same_content(const Fd& directory, const std::string& a, const std::string& b) {
  Fd one(::openat(directory.get(), a.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  Fd other(::open(b.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat of_one {
  }, of_other{};
  if (!one || !other || ::fstat(one.get(), &of_one) < 0 || ::fstat(other.get(), &of_other) < 0) return false;
  if (!S_ISREG(of_one.st_mode) || !S_ISREG(of_other.st_mode) || of_one.st_size != of_other.st_size) return false;
  std::array<char, 65536> left, right;
  for (off_t at = 0; at < of_one.st_size;) {
    ssize_t got = ::pread(one.get(), left.data(), left.size(), at);
    if (got <= 0 || ::pread(other.get(), right.data(), static_cast<std::size_t>(got), at) != got) return false;
    if (!std::equal(left.begin(), left.begin() + got, right.begin())) return false;
    at += got;
  }
  return true;
}

}  // namespace postmultid::host
