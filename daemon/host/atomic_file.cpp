#include "host/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "host/fd.hpp"
#include "host/own_file.hpp"

namespace postmultid::host {

using model::Result;

namespace {

Result<void> make_directory_of(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (!error) return {};
  return std::unexpected(model::system_error("create " + path.parent_path().string(), error.value()));
}

Result<void> write_all(const Fd& file, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(model::system_error("write " + name));
    if (written == 0) return std::unexpected(model::system_error("write " + name, ENOSPC));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) < 0) return std::unexpected(model::system_error("write " + name));
  return {};
}

/// For utimensat(2): when it was read stays.
std::array<timespec, 2> written_ago(std::chrono::seconds age) {
  std::array<timespec, 2> times{};
  times[0].tv_nsec = UTIME_OMIT;
  ::clock_gettime(CLOCK_REALTIME, &times[1]);
  times[1].tv_sec -= age.count();
  return times;
}

Result<void> replace_in(const Fd& directory, const std::filesystem::path& path, const std::string& text,
                        const Owner* owner = nullptr, std::chrono::seconds age = {}) {
  std::string name = path.filename();
  // A hidden name: no record and no definition is called so.
  std::string fresh = "." + name, fresh_path = (path.parent_path() / fresh).string();
  // What a crash has left, or somebody has put there to have his file written.
  ::unlinkat(directory.get(), fresh.c_str(), 0);
  Fd file(::openat(directory.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(model::system_error("open " + fresh_path));
  auto written = write_all(file, text, fresh_path);
  if (written && owner &&
      (::fchown(file.get(), owner->user, owner->group) < 0 || ::fchmod(file.get(), owner->mode) < 0))
    written = std::unexpected(model::system_error("write " + fresh_path));
  if (written && age.count() > 0) ::futimens(file.get(), written_ago(age).data());
  if (!written) {
    ::unlinkat(directory.get(), fresh.c_str(), 0);  // the room that it takes on a disk that is full
    return written;
  }
  if (::renameat(directory.get(), fresh.c_str(), directory.get(), name.c_str()) < 0) {
    auto failed = model::system_error("rename " + fresh_path);
    ::unlinkat(directory.get(), fresh.c_str(), 0);
    return std::unexpected(std::move(failed));
  }
  ::fsync(directory.get());
  return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, const std::string& text) {
  if (auto made = make_directory_of(path); !made) return made;
  std::string place = std::filesystem::path(path).parent_path();
  Fd directory(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(model::system_error("open " + place));
  return replace_in(directory, path, text);
}

Owner same_as(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) < 0) return {0, 0, 0644};
  return {there.st_uid, there.st_gid, there.st_mode & 07777U};
}

Result<void> replace_file(const std::string& path, const std::string& text, Owner owner, std::chrono::seconds age) {
  std::error_code error;
  std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) real = path;
  if (auto made = make_directory_of(real); !made) return made;
  Fd directory(::open(real.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(model::system_error("open " + real.parent_path().string()));
  return replace_in(directory, real, text, &owner, age);
}

void make_older(const std::string& path, std::chrono::seconds age) {
  ::utimensat(AT_FDCWD, path.c_str(), written_ago(age).data(), 0);
}

Result<void> replace_own_file(const std::string& path, const std::string& text) {
  if (auto made = make_directory_of(path); !made) return made;
  auto directory = open_own_directory(std::filesystem::path(path).parent_path());
  if (!directory) return std::unexpected(directory.error());
  return replace_in(*directory, path, text);
}

}  // namespace postmultid::host
