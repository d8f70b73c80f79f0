// A record of the kernel's log, a process's cgroups and a cgroup's counters. The input: a pid on a line of its own, then the
// text.
#include <charconv>

#include "fuzz.hpp"
#include "host/kernel_log.hpp"
#include "host/memory_cgroup.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  std::string number = fuzz::take_line(text);
  pid_t pid = 1;
  std::from_chars(number.data(), number.data() + number.size(), pid);
  if (auto record = host::parse_kernel_record(text, pid); record && record->oom_kill)
    fuzz::always(text.find("Killed process " + std::to_string(pid) + " ") != std::string::npos ||
                     text.find("Killed process 0") != std::string::npos,
                 "whom the OOM killer has ended is named");
  std::string counter = host::oom_counter_in(text);
  fuzz::always(counter.empty() || counter.starts_with("/sys/fs/cgroup"), "a counter is a cgroup's");
  if (host::parse_oom_kills(text)) fuzz::always(text.find("oom_kill ") != std::string::npos, "a count is there");
  return 0;
}
