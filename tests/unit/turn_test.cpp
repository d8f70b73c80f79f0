#include "runtime/turn.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <string>

using namespace postmultid::runtime;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

struct Queue {
  asio::io_context loop;
  Turn turn{loop.get_executor()};
  std::string seen;

  /// Takes the turn, and has it until others have had every chance.
  asio::awaitable<void> have(char name, std::chrono::steady_clock::duration limit) {
    auto held = co_await turn.take(limit);
    seen += held ? name : '-';
    asio::steady_timer pause(loop, milliseconds(5));
    if (held) co_await pause.async_wait(asio::use_awaitable);
    if (held) seen += '.';
  }

  void ask(char name, std::chrono::steady_clock::duration limit = hours(1)) {
    asio::co_spawn(loop, have(name, limit), asio::detached);
  }
};

}  // namespace

TEST_CASE("one at a time has the turn, in the order in which they have asked") {
  Queue queue;
  for (char name : {'a', 'b', 'c'}) queue.ask(name);
  queue.loop.run();
  CHECK(queue.seen == "a.b.c.");
}

TEST_CASE("who has waited as long as he would goes without, and holds up nobody") {
  Queue queue;
  queue.ask('a');
  queue.ask('b', milliseconds(1));
  queue.ask('c');
  queue.loop.run();
  CHECK(queue.seen == "a-.c.");
}
