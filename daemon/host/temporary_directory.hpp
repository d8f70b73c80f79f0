// A private directory that goes with its owner.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "model/error.hpp"

namespace postmultid::host {

class TemporaryDirectory {
 public:
  /// Mode 0700, below $TMPDIR or /tmp.
  static model::Result<TemporaryDirectory> make() {
    std::error_code error;
    std::string path = std::filesystem::temp_directory_path(error).string() + "/postmultid.XXXXXX";
    if (error || !::mkdtemp(path.data())) return std::unexpected(model::system_error("create " + path));
    return TemporaryDirectory(path);
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
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace postmultid::host
