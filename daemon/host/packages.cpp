#include "host/packages.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "host/fd.hpp"

namespace postmultid::host {

bool packages_are_being_changed() {
  for (const char* file : {"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"}) {
    Fd lock(::open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct flock wanted {};
    wanted.l_type = F_RDLCK;
    wanted.l_whence = SEEK_SET;
    if (lock && ::fcntl(lock.get(), F_GETLK, &wanted) == 0 && wanted.l_type != F_UNLCK) return true;
  }
  return false;
}

}  // namespace postmultid::host
