// The steps of a start that run Postfix's own programs.
#pragma once

#include <expected>

#include "model/fault.hpp"
#include "postfix/instance.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

using Done = std::expected<void, model::Fault>;

/// `postfix check`, and before it what Debian up to 12 does for chrooted services. Safe while the master runs.
asio::awaitable<Done> check(Tools& tools, Instance instance);

/// What it needs of the host before it is checked: its addresses, and names that can be resolved.
asio::awaitable<Done> look_around(Tools& tools, Instance instance);

/// `master -w`: success means that its sockets are bound and its handlers installed. Cancelled, it leaves no master.
asio::awaitable<Done> launch(Tools& tools, Instance instance, host::Settle settle);

}  // namespace postmultid::postfix
