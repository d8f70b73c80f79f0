// main.cf and master.cf as they were before each change that we made, for the way back.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "postfix/draft.hpp"

namespace postmultid::postfix {

struct Version {
  std::chrono::system_clock::time_point at;
  std::string directory;  // with the files
};

/// Below a directory, at the path that the files have themselves, one directory for each version; for root only, for there may
/// be passwords in them. All of it may block on a disk.
class Versions {
 public:
  explicit Versions(std::string directory) : directory_(std::move(directory)) {}

  /// Keeps these files of that configuration directory, and of those before the last nine.
  model::Result<Version> keep(const std::string& config_directory, const Files& files,
                              std::chrono::system_clock::time_point at) const;

  /// Newest first.
  std::vector<Version> of(const std::string& config_directory) const;

 private:
  std::string directory_;
};

/// main.cf and master.cf of a directory; fails where one of them is not there or is above 1 MiB.
model::Result<Files> read_files(const std::string& directory);

/// Puts them in the place of those that are there, each whole; what is equal is left alone. Where the second fails, the first is
/// as it was. Blocks.
model::Result<void> write_files(const std::string& config_directory, const Files& files);

/// The parameters that say which instances there are and who they are.
bool is_about_membership(const std::string& parameter);

/// Whether one is the other but for those.
bool differ_in_membership_only(const Files& one, const Files& other);

/// What the last definition that was applied has said of an instance, so that what is not in the next one can be taken away.
struct Declared {
  std::vector<std::string> settings, services, maps;

  bool operator==(const Declared&) const = default;
};

/// The record in `directory` about that configuration directory; nothing is declared where there is none, or none that can be
/// understood. Block.
Declared declared_before(const std::string& directory, const std::string& config_directory);
model::Result<void> remember_declared(const std::string& directory, const std::string& config_directory,
                                      const Declared& declared);
/// Of an instance that is not there any more.
void forget_declared(const std::string& directory, const std::string& config_directory);

}  // namespace postmultid::postfix
