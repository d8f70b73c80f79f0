// Counting a queue from outside, by names alone: no file is opened, and none is ever touched.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "model/status.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Counts the messages in the queue directories. Stops, and says so, when `budget` is used up. Blocks on the disk.
model::QueueCounts count_queue(const Instance& instance, std::chrono::milliseconds budget);

/// When the message with this name arrived, if the name is a long queue id (enable_long_queue_ids): it begins with
/// the seconds in base 52.
std::optional<model::WallTime> arrival_in_name(std::string_view name);

/// Whether a name in a queue directory is a message's: letters, digits and "_" only. Temporary files and those that
/// postsuper is repairing have other characters.
bool is_queue_id(std::string_view name);

}  // namespace postmultid::postfix
