// Threads that only look must not keep those who answer, or anybody's mail, waiting.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>

namespace postmultid::host {

/// All `threads` of the pool, which is new, let others go first (nice(2)). What cannot be changed stays as it is.
void give_way(boost::asio::thread_pool& pool, std::size_t threads);

}  // namespace postmultid::host
