// A change of the set of instances, as somebody has asked for it: whom it means, what the daemon knows that Postfix's files do not
// say (who runs, who is wanted up, which queue is not mounted), and what Postfix is to do (postfix/lifecycle.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <memory>
#include <vector>

#include "model/instance_change.hpp"
#include "model/problem.hpp"
#include "model/status.hpp"
#include "postfix/inventory.hpp"
#include "postfix/queue_mounts.hpp"
#include "postfix/tools.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

/// `present` is as just read, while the caller has the turn (turn.hpp). The answer does not say yet which id it has.
asio::awaitable<std::expected<model::InstanceChanged, model::Problem>> carry_out(
    postfix::Tools& tools, const postfix::QueueMounts& mounts, std::vector<postfix::Listed> present,
    std::shared_ptr<const model::Status> status, model::InstanceChange change);

/// "created", for an event about it.
const char* past(model::ChangeAction action);

}  // namespace postmultid::runtime
