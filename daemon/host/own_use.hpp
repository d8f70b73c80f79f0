// What this process itself uses, from the kernel's memory: asking takes no disk.
#pragma once

#include <cstdint>

namespace postmultid::host {

struct OwnUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_files = 0, max_files = 0;
};

OwnUse own_use();

}  // namespace postmultid::host
