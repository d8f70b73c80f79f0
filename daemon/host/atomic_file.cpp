#include "host/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "host/fd.hpp"

namespace postmultid::host {

model::Result<void> replace_file(const std::string& path, const std::string& text) {
  auto place = std::filesystem::path(path);
  std::string directory = place.parent_path();
  std::error_code ignored;  // what cannot be made cannot be opened either
  std::filesystem::create_directories(directory, ignored);
  // A hidden name: no record and no definition is called so.
  std::string fresh = directory + "/." + place.filename().string();
  Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(model::system_error("open " + fresh));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.get()) < 0)
    return std::unexpected(model::system_error("write " + fresh));
  if (::rename(fresh.c_str(), path.c_str()) < 0) return std::unexpected(model::system_error("rename " + fresh));
  if (Fd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); parent) ::fsync(parent.get());
  return {};
}

}  // namespace postmultid::host
