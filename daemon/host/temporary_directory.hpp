// A private directory that goes with its owner.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "host/file_system.hpp"
#include "model/error.hpp"

namespace postmultid::host {

class TemporaryDirectory {
 public:
  /// Mode 0700, below $TMPDIR or /tmp; where that is read-only or full below /run, which is there whatever becomes of the disks.
  static model::Result<TemporaryDirectory> make() {
    const char* wanted = std::getenv("TMPDIR");
    auto made = make_in(wanted && *wanted ? wanted : "/tmp");
    if (made) return made;
    auto beside = make_in("/run");
    return beside ? std::move(beside) : std::move(made);
  }

  TemporaryDirectory() = default;  // none
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  // What is written there is a configuration or two; one that does not fit would look like a bad one.
  static constexpr std::uint64_t kRoom = 1024 * 1024, kInodes = 16;

  static model::Result<TemporaryDirectory> make_in(const std::string& parent) {
    std::string path = parent + "/postmultid.XXXXXX";
    auto room = file_system(parent);
    if (room && (room->free_bytes < kRoom || room->free_inodes.value_or(kInodes) < kInodes))
      return std::unexpected(model::system_error("create " + path, room->read_only ? EROFS : ENOSPC));
    if (!::mkdtemp(path.data())) return std::unexpected(model::system_error("create " + path));
    return TemporaryDirectory(path);
  }

  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace postmultid::host
