// Dies with SIGKILL where POSTMULTID_FAULT_POINT says, "POINT MEMBER"; writes each point that it comes to for the first time
// on a line of the file POSTMULTID_FAULT_LOG.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>

#include "runtime/fault_point.hpp"

namespace {

void come_to(std::string_view point, std::string_view member) {
  std::string name(point);
  if (!member.empty()) name += " " + std::string(member);
  if (const char* fatal = std::getenv("POSTMULTID_FAULT_POINT"); fatal && name == fatal) ::kill(::getpid(), SIGKILL);

  const char* file = std::getenv("POSTMULTID_FAULT_LOG");
  if (!file) return;
  static std::mutex mutex;
  static std::set<std::string> known;
  std::lock_guard lock(mutex);
  if (!known.insert(name).second) return;
  int log = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  name += "\n";
  if (::write(log, name.data(), name.size()) < 0) std::abort();
  ::close(log);
}

[[maybe_unused]] const auto installed = postmultid::runtime::on_fault_point = come_to;

}  // namespace
