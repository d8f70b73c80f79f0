// The systemd journal: where a companion's words go, and where a member's last words are found. Where there is no
// journal everything here says so by an empty answer.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/fd.hpp"
#include "host/log.hpp"

namespace postmultid::host {

/// Whether our own standard error is a stream of the journal's.
bool writes_to_journal();

/// A stream into the journal under this identifier; nothing if we do not write to one ourselves.
Fd journal_stream(const std::string& identifier);

/// A line as host::log() writes it; where that is the journal, with these fields besides. May wait for journald.
void log_with_fields(Level level, const std::string& message,
                     const std::vector<std::pair<std::string, std::string>>& fields);

/// The youngest `count` lines, oldest first, of all identifiers that `wanted` accepts, each as syslog would write it; none
/// that is older than `since`.
/// Nothing if there is no journal to read. Blocks on the disk.
std::optional<std::vector<std::string>> journal_tail(const std::function<bool(std::string_view)>& wanted,
                                                     std::size_t count,
                                                     std::chrono::system_clock::time_point since = {});

/// The same of a unit: what its processes wrote, and what systemd says of it.
std::optional<std::vector<std::string>> journal_tail_of_unit(const std::string& unit, std::size_t count,
                                                             std::chrono::system_clock::time_point since = {});

}  // namespace postmultid::host
