// A file that one process at a time holds, for life: it goes with its owner, whatever becomes of the file.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <string>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

/// The lock, or who has it: EWOULDBLOCK in the error's number.
inline model::Result<Fd> take_lock(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(model::system_error("open " + path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0)
    return std::unexpected(
        model::Error{"another postmultid is running: it holds " + path + " (pmctl status shows it)", errno});
  return file;
}

}  // namespace postmultid::host
