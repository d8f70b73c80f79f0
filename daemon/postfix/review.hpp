// What Postfix itself says of the files that a definition wants: tried on private copies of what a new instance gets, wherever
// Postfix is installed. What is in this host's own files is not looked at; that is a plan's to say (runtime/planner.hpp).
#pragma once

#include <string>
#include <vector>

#include "definitions/definition.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// In words, with their places where those are known.
struct Review {
  std::vector<std::string> mistakes;  // postconf refuses it
  std::vector<std::string> warnings;  // parameters that Postfix does not know, services without a program
};

asio::awaitable<model::Result<Review>> review(Tools& tools, definitions::Definition definition);

/// Of those services, the ones whose program is not in that directory. Blocks.
std::vector<std::string> without_program(const definitions::PostfixText& master_cf,
                                         const std::string& daemon_directory);

}  // namespace postmultid::postfix
