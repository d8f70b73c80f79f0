// Whether a master could listen where its configuration says: what it needs of the host around it.
#pragma once

#include <optional>

#include "model/fault.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Whether a socket can be bound to this address, given in numbers.
bool is_address_of_this_host(const std::string& address);

/// An address or a name of inet_interfaces or of master.cf that this host has not (yet). May block on a resolver.
std::optional<model::Fault> lacks_address(const Instance& instance);

/// An endpoint of master.cf that it cannot have: a service without a port, or one where somebody else listens. `master`
/// is the one that runs (0: none); what it holds is its own.
std::optional<model::Fault> lacks_port(const Instance& instance, pid_t master);

/// The queue's file system has no room for as much as a lock file.
std::optional<model::Fault> lacks_space(const Instance& instance);

}  // namespace postmultid::postfix
