// How often the OOM killer has struck in a process's memory cgroup: what is left to know where the kernel's log may not be
// read. The count is the cgroup's, not the process's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postmultid::host {

/// The file that counts for this process: memory.events (cgroup v2) or memory.oom_control (v1). Empty: there is none.
std::string oom_counter_of(pid_t pid);

/// Its "oom_kill"; nothing if it has none (v1 before Linux 4.13) or cannot be read.
std::optional<std::uint64_t> oom_kills(const std::string& counter);

/// The file for the text of a /proc/PID/cgroup; see oom_counter_of().
std::string oom_counter_in(std::string_view cgroups);

/// The value of "oom_kill" in such a file.
std::optional<std::uint64_t> parse_oom_kills(std::string_view text);

}  // namespace postmultid::host
