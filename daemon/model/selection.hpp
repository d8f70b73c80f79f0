// Whom a request means.
#pragma once

#include <expected>
#include <vector>

#include "model/operation.hpp"
#include "model/problem.hpp"
#include "model/status.hpp"

namespace postmultid::model {

/// The members that a selection means, in start order and each once; or what is wrong with it.
std::expected<std::vector<MemberId>, Problem> select(const Status& status, const Selection& selection);

/// That there is no group of this name, with the nearest one.
Problem no_such_group(const Status& status, const std::string& name);

/// The member with this name, by the rules of model::find_member; a problem that names the nearest one if none fits.
std::expected<MemberId, Problem> find(const Status& status, const std::string& name);

}  // namespace postmultid::model
