#include "host/give_way.hpp"

#include <sys/resource.h>

#include <barrier>
#include <boost/asio/post.hpp>
#include <memory>

namespace postmultid::host {

namespace {

constexpr int kNicer = 10;

}  // namespace

void give_way(boost::asio::thread_pool& pool, std::size_t threads) {
  // Each waits for the others, so that none takes two of the tasks.
  auto all = std::make_shared<std::barrier<>>(static_cast<std::ptrdiff_t>(threads));
  for (std::size_t i = 0; i < threads; ++i)
    boost::asio::post(pool, [all] {
      // On Linux this is about the calling thread only.
      ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kNicer);
      all->arrive_and_wait();
    });
}

}  // namespace postmultid::host
