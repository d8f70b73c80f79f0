#include "host/own_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace postmultid::host {

using model::Result;

namespace {

/// Why others may have had a hand in it; empty: they cannot.
std::string doubtful(const struct stat& facts) {
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
    return "belongs to uid " + std::to_string(facts.st_uid) + ", so what is in it is not believed";
  if (facts.st_mode & (S_IWGRP | S_IWOTH)) return "may be written by others, so what is in it is not believed";
  return "";
}

Result<struct stat> looked_at(const Fd& file, const std::string& path) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) < 0) return std::unexpected(model::system_error("stat " + path));
  if (std::string why = doubtful(facts); !why.empty()) return model::failure(path + " " + why);
  return facts;
}

}  // namespace

Result<Fd> open_own_directory(const std::string& path) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return std::unexpected(model::system_error("open " + path));
  if (auto facts = looked_at(directory, path); !facts) return std::unexpected(facts.error());
  return directory;
}

Result<std::optional<std::string>> read_own_file(const std::string& path, std::size_t limit) {
  auto place = std::filesystem::path(path);
  // First, as a directory that is not there has no file in it, and that is no matter.
  auto directory = open_own_directory(place.parent_path());
  if (!directory && directory.error().number == ENOENT) return std::nullopt;
  if (!directory) return std::unexpected(directory.error());
  // Not to wait where it is a fifo.
  Fd file(
      ::openat(directory->get(), place.filename().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return std::unexpected(model::system_error("open " + path));
  auto facts = looked_at(file, path);
  if (!facts) return std::unexpected(facts.error());
  if (!S_ISREG(facts->st_mode)) return model::failure(path + " is no file");
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return std::unexpected(model::system_error("read " + path));
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) return model::failure(path + " is longer than " + std::to_string(limit) + " bytes");
  }
}

}  // namespace postmultid::host
