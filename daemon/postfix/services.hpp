// How the services of a running master do. Who comes to a service that master does not start (it throttles one whose
// program ends at once), or whose processes are all busy, waits in the backlog of its socket, which the kernel counts: so
// it is seen without a word of the log and without a client of our own (docs/postfix-facts.md, "Services").
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "model/status.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Which service a child of master is there for, by its command line: "smtp/inet"; empty if it does not say so.
std::string service_of(const std::vector<std::string>& command_line);

/// The check "services" of the master with this pid. Reads /proc and asks the kernel.
model::Check look_at_services(const Instance& instance, pid_t master);

}  // namespace postmultid::postfix
