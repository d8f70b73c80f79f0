// What the kernel says about processes that it has ended (/dev/kmsg).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postmultid::host {

/// Whether the kernel has ended this process since then because memory was short. Nothing: its log may not be read
/// here, or counts other pids than we do (a container). Never waits; reads at most what the kernel keeps, so call it in a
/// thread of the pool.
std::optional<bool> ended_by_oom_killer(pid_t pid, std::chrono::steady_clock::time_point since);

/// One record of /dev/kmsg: "6,1234,98765432,-;text". Its time in microseconds since boot, and whether it says that the
/// OOM killer has ended this process ("Out of memory: Killed process 42 (master) …", "Memory cgroup out of memory: …").
struct KernelRecord {
  std::uint64_t microseconds = 0;
  bool oom_kill = false;
};
std::optional<KernelRecord> parse_kernel_record(std::string_view record, pid_t pid);

}  // namespace postmultid::host
