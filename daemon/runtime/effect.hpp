// What it means that a member does not run: for mail, and for other members.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/ward.hpp"
#include "supervision/fleet.hpp"

namespace postmultid::runtime {

/// What there is to know of all members to say it of one.
struct Overview {
  std::map<model::MemberId, std::vector<std::string>> held;  // those that wait for each
  std::size_t running = 0;
};

Overview overview_of(const supervision::Fleet& fleet);

/// In words; empty for one that runs, or is not wanted.
std::string effect_of(const Overview& overview, const supervision::Machine& machine, const Ward& ward);

}  // namespace postmultid::runtime
