// A file that one process at a time holds, for life: it goes with its owner, whatever becomes of the file.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "host/fd.hpp"
#include "model/error.hpp"

namespace postmultid::host {

/// The lock, or within a second who has it: EWOULDBLOCK in the error's number.
inline model::Result<Fd> take_lock(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file) return std::unexpected(model::system_error("open " + path));
  struct stat facts {};
  if (::fstat(file.get(), &facts) < 0) return std::unexpected(model::system_error("stat " + path));
  // Anybody can make a fifo in a shared directory, and locks on one are no less locks; but nobody means it so.
  if (!S_ISREG(facts.st_mode)) return model::failure(path + " is there and is no file: not locked; remove it");
  // A child of the one that has just died may have it for a moment longer: until it executes its program.
  // flock(2) has no time limit, so it is asked again.
  for (int tries = 20; ::flock(file.get(), LOCK_EX | LOCK_NB) < 0; --tries) {
    if (errno != EWOULDBLOCK) return std::unexpected(model::system_error("lock " + path));
    if (tries == 1)
      return std::unexpected(
          model::Error{"another postmultid is running: it holds " + path + " (pmctl status shows it)", EWOULDBLOCK});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return file;
}

}  // namespace postmultid::host
