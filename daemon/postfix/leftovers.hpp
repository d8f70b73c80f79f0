// The processes of an instance beside its master: what a crash leaves in the middle of a session, and what a stop
// leaves because it keeps a session of its own (postscreen, verify, proxymap in write mode).
//
// A process belongs to an instance if it runs a program of $daemon_directory and stands in queue_directory: both
// are set by master before it serves anything, and nobody else has reason to do both. Commands that its daemons run (pipe(8),
// local(8), spawn(8)) are any programs, in sessions of their own: they are known by whose children they are, as long as
// their parent lives, and always where the instance has a cgroup of its own (host/scopes.hpp): `own`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cgroup.hpp"
#include "host/process.hpp"
#include "postfix/instance.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// The instance's processes; of one master's session only, if `session` is not 0. May block on /proc.
std::vector<host::Process> processes_of(const Instance& instance, pid_t session = 0);

/// The commands that the daemons of this master run just now.
asio::awaitable<host::Processes> commands_of(Tools& tools, Instance instance, pid_t master);

/// What earlier masters have left beside this one: daemons in the middle of a session, and their commands.
asio::awaitable<host::Processes> survivors_beside(Tools& tools, Instance instance, pid_t master, host::Cgroup own);

/// After a crash: shuts the listening TCP sockets that the dead master's processes still hold, so that none of them
/// swallows a connection beside the new master's (SO_REUSEPORT), and leaves the processes to end their sessions.
/// Where taking the socket is not permitted, the process is ended. Then waits a moment for the lock: a child that the
/// master was just forking holds it until it execs. Returns how many processes live on. Where it is not known which master it
/// was (0) this is about all that earlier ones have left, and nothing is done while one lives.
asio::awaitable<unsigned> clear_listeners(Tools& tools, Instance instance, pid_t dead_master);

/// After the end of a master that is to be drained: shuts the listening sockets as clear_listeners() does, and returns
/// when no process of the instance is left. Now and then `tell` is told what there is still: "2 smtpd, 1 smtp, the oldest
/// for 75 s".
asio::awaitable<void> drain(Tools& tools, Instance instance, pid_t dead_master, host::Cgroup own,
                            std::function<void(std::string)> tell);

/// Ends the instance's processes (with SIGTERM, or SIGKILL if `force`) and returns when none is left, the lock is free and
/// its cgroup empty. How long that may take is the caller's to say. Commands, those known from before included, are waited
/// for: they may be writing to a mailbox. If `force`, they get SIGTERM and a second later SIGKILL. What else is in its
/// cgroup counts for a command.
asio::awaitable<void> sweep(Tools& tools, Instance instance, bool force, pid_t only_of_master, host::Processes commands,
                            host::Cgroup own);

}  // namespace postmultid::postfix
