// The record of a companion's process: how the next daemon knows that a process is the one that was started here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "model/error.hpp"

namespace postmultid::companions {

struct Record {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // since that boot
  std::string boot_id;
};

/// What the file says; nothing where there is none, or it cannot be understood, or it is of an earlier boot, or others may have
/// written it: who it names is signalled.
std::optional<Record> read_record(const std::string& path);

/// Replaces the file in one step. The directory is on a file system in memory: there is nothing to make durable.
model::Result<void> write_record(const std::string& path, pid_t pid, std::uint64_t start_ticks);

}  // namespace postmultid::companions
