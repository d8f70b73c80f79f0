// The daemon's own log: one line an event on standard error, in the form that journald understands (sd-daemon(3)).
#pragma once

#include <optional>
#include <string_view>

namespace postmultid::host {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// "error", "warning", "notice", "info" or "debug"; nothing for any other word.
std::optional<Level> level_called(std::string_view name);

/// What is less urgent than this is not written. `info` at start.
void set_log_level(Level level);

/// Safe from any thread; a line break in `message` is written as a space.
void log(Level level, std::string_view message);

}  // namespace postmultid::host
