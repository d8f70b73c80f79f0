// What systemd and we tell each other (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)). Without systemd nothing
// happens. Nothing here waits: what a systemd that does not read has no room for is said when it has, of each kind the
// newest. For the event loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "host/fd.hpp"

namespace postmultid::host {

namespace asio = boost::asio;

/// The loop that it is waited in; it must not end before the process does while something waits. Without one, what there is
/// no room for is lost.
void notify_from(asio::io_context& loop);

void notify_ready();
/// Told only when it is another.
void notify_status(const std::string& status);
void notify_stopping();

/// The stop takes longer than was thought: for so long from now on nobody is to lose patience.
void extend_timeout(std::chrono::seconds by);

/// How often the watchdog has to hear from us; nothing: nobody listens.
std::optional<std::chrono::microseconds> watchdog_limit();
void feed_watchdog();

/// Has the descriptor kept for the next main process of this unit, under that name. False: nobody does.
bool keep_descriptor(int fd, const std::string& name);
void forget_descriptor(const std::string& name);

/// What an earlier main process had kept under that name. It is given once.
std::optional<Fd> take_kept_descriptor(const std::string& name);

/// Whether it is a listening Unix stream socket that was bound to that path.
bool is_listener_at(int fd, const std::string& path);

}  // namespace postmultid::host
