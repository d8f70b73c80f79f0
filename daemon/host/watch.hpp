// Waiting for the end of a process, and for time, in coroutines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "host/process.hpp"

namespace postmultid::host {

namespace asio = boost::asio;

/// Returns when the process has ended, at once if it has already.
asio::awaitable<void> ended(const Process& process);

asio::awaitable<void> pause(std::chrono::milliseconds duration);

}  // namespace postmultid::host
