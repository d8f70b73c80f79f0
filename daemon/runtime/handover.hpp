// What one daemon leaves to the next, and its text: JSON with a version, in the run directory. It holds for this boot only, as
// pids and the monotonic clock do, and says so; the next boot begins with what is enabled.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "model/event.hpp"
#include "model/operation.hpp"
#include "supervision/remembered.hpp"

namespace postmultid::runtime {

struct Handover {
  std::map<model::MemberId, supervision::Remembered> members;
  std::vector<model::Operation> operations;  // the oldest first
  std::vector<model::Event> events;          // the last few
  std::string stopping;  // the run (see Shell::shut_down) in which all were told to end; empty: none
};

std::string to_text(const Handover& handover, const std::string& boot_id);

/// Refuses what is of another boot or version, or not whole; the message says which. What lies behind `now` was written by a
/// clock that is not this one, and counts for now.
model::Result<Handover> read_handover(const std::string& text, const std::string& boot_id, supervision::Instant now);

}  // namespace postmultid::runtime
