#include "postfix/at_rest.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include "postfix/leftovers.hpp"

namespace postmultid::postfix {

using model::Result;

Result<host::Fd> keep_down(const Instance& instance) {
  if (instance.queue_directory.empty()) return host::Fd();
  const std::string path = instance.pid_file();
  // Made where there is none: who starts it for the first time needs the lock as well.
  host::Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!lock && errno != ENOENT) return std::unexpected(model::system_error("open " + path));
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
    return model::failure(instance.id.text + " runs: somebody holds the lock on " + path);
  if (auto left = processes_of(instance); !left.empty())
    return model::failure(std::to_string(left.size()) + " processes of " + instance.id.text +
                          " are left, the first is pid " + std::to_string(left.front().pid()));
  return lock;
}

}  // namespace postmultid::postfix
