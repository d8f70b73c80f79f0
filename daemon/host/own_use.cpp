#include "host/own_use.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "host/proc.hpp"

namespace postmultid::host {

OwnUse own_use() {
  OwnUse use;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    use.cpu_seconds = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::istringstream pages(read_small_file("/proc/self/statm").value_or(""));
  std::uint64_t all = 0, resident = 0;
  if (pages >> all >> resident) {
    auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    use.virtual_bytes = all * page;
    use.resident_bytes = resident * page;
  }
  std::error_code unreadable;
  for (std::filesystem::directory_iterator each("/proc/self/fd", unreadable), end; !unreadable && each != end;
       each.increment(unreadable))
    ++use.open_files;
  if (use.open_files > 0) --use.open_files;  // the directory itself
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) use.max_files = files.rlim_cur;
  return use;
}

}  // namespace postmultid::host
