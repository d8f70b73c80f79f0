// Postfix's programs, for what pmctl does without a daemon.
#pragma once

#include <sys/prctl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>

#include "host/children.hpp"
#include "postfix/tools.hpp"

namespace postmultid::ctl {

/// Runs `work`, a coroutine of Tools&, to its end. Fails where there is no Postfix.
template <typename Work>
auto with_postfix(Work work) -> typename decltype(work(std::declval<postfix::Tools&>()))::value_type {
  namespace asio = boost::asio;
  using Answer = typename decltype(work(std::declval<postfix::Tools&>()))::value_type;
  asio::io_context loop;
  asio::thread_pool pool(2);
  host::Children children(loop);
  postfix::Tools tools(children, pool, pool);
  if (auto found = tools.find_postconf(""); !found) return std::unexpected(found.error());
  Answer answer;
  asio::co_spawn(loop, work(tools), [&](std::exception_ptr failed, Answer read) {
    answer = failed ? model::failure("an internal error has ended it") : std::move(read);
    loop.stop();
  });
  loop.run();
  pool.join();
  // What a command leaves running is not ours to reap.
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  return answer;
}

}  // namespace postmultid::ctl
