// The primary's multi_instance_wrapper: what a plain postfix(1) runs where there are several instances
// (docs/postfix-facts.md, "The wrapper").
#pragma once

#include <optional>
#include <string>

#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// As main.cf has it, its parameters not expanded; nothing where main.cf does not set it.
using Wrapper = std::optional<std::string>;

asio::awaitable<model::Result<Wrapper>> read_wrapper(Tools& tools);

/// Edits main.cf by postconf, so that nothing else of it changes. Nothing: main.cf does not set it any more.
asio::awaitable<model::Result<void>> write_wrapper(Tools& tools, Wrapper wrapper);

}  // namespace postmultid::postfix
