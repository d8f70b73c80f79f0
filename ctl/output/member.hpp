// Members on the screen: the table, and one member in full.
#pragma once

#include <vector>

#include "model/status.hpp"
#include "output/terminal.hpp"

namespace postmultid::ctl {

/// One line each, and under those that do not run, why.
void print_members(const Terminal& terminal, const std::vector<model::Member>& members, bool wide);

/// why, next, effect, do, checks, proof …, the last failures and the words of its log: in this order, only those that
/// there are.
void print_member(const Terminal& terminal, const model::Status& status, const model::Member& member);

}  // namespace postmultid::ctl
