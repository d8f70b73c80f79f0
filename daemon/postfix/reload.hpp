// Reload: what Postfix reads again on SIGHUP, and whether its master would survive that. Any error while it reads is
// fatal for a running master (docs/postfix-facts.md, "Reload"), and postconf checks no values: so Postfix's own master is
// asked first, on a copy of the files.
#pragma once

#include "host/process.hpp"
#include "postfix/instance.hpp"
#include "postfix/start.hpp"
#include "postfix/tools.hpp"
#include "postfix/versions.hpp"

namespace postmultid::postfix {

/// What Postfix's own master says of these files, read as if they were this instance's.
asio::awaitable<Done> try_files(Tools& tools, Instance instance, Files files);

/// Read by master when it starts, and never again.
bool ignored_by_a_reload(const std::string& parameter);

/// What would kill the master of this instance (0: none) if it read its files now, as far as that can be known: bad
/// values, services without a port, names that do not resolve, endpoints that somebody else has.
asio::awaitable<Done> guard(Tools& tools, Instance instance, pid_t master);

/// `postfix reload`, without trusting a pid file: postsuper, SIGHUP to this very process, then a look at what became of
/// it. Its death is the watcher's to report; then this fails as well.
asio::awaitable<Done> reload(Tools& tools, Instance instance, std::shared_ptr<const host::Process> master);

}  // namespace postmultid::postfix
