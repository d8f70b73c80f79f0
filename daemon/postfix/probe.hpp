// Is a master that was just started (or found) ready? First the proof of its identity, then each of
//   showq      its greeting: master accepts, forks, execs, and the queue can be read
//   qmgr       answers a NUL trigger: the queue manager lives
//   listeners  every inet service's socket is held by this master
// A TCP connect proves nothing: the kernel's backlog answers for the dead (docs/postfix-facts.md, "Readiness").
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <vector>

#include "model/fault.hpp"
#include "model/status.hpp"
#include "postfix/identity.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// find_master, asked again for a second and a half where the lock is held without proof: a child that a dying master
/// was forking holds it until it execs, which a signal in that moment can delay by a second.
asio::awaitable<std::expected<std::optional<Master>, model::Fault>> examine(Tools& tools, Instance instance);

/// Waits until master.pid names a process that is proved to be the master.
asio::awaitable<std::expected<Master, model::Fault>> await_master(Tools& tools, Instance instance,
                                                                  std::chrono::milliseconds limit);

/// Waits until the master with this pid is ready; the fault says what is missing.
asio::awaitable<std::expected<model::Readiness, model::Fault>> await_ready(Tools& tools, Instance instance, pid_t pid,
                                                                           std::chrono::milliseconds limit);

/// How well the running master with this pid does its work: the checks master, qmgr, services, listeners and queue, and if
/// `showq` also that, which master has to start. Postfix logs nothing of it. `banners`: this it does log (banner.hpp).
asio::awaitable<model::Readiness> look(Tools& tools, Instance instance, pid_t pid, bool showq, bool banners);

}  // namespace postmultid::postfix
