// Endpoints that several instances ask for. Postfix binds with SO_REUSEPORT, so all of them start without a word, and
// the kernel deals the connections out among them (docs/postfix-facts.md, "Start").
#pragma once

#include <map>
#include <string>
#include <vector>

#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// What is wrong with each instance that shares an endpoint with another, by id: "127.0.0.1:25 (smtp) is shared
/// with postfix-out: connections go to either". A wildcard shares with every address of its family. Names are resolved: may block.
std::map<model::MemberId, std::string> shared_endpoints(const std::vector<Instance>& instances);

}  // namespace postmultid::postfix
