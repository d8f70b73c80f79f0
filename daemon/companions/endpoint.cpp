#include "companions/endpoint.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "host/deadline.hpp"
#include "host/watch.hpp"

namespace postmultid::companions {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kConnectLimit{2};

/// Why not; empty if it answers.
asio::awaitable<std::string> knock(Endpoint endpoint) {
  auto executor = co_await asio::this_coro::executor;
  boost::system::error_code error;
  if (endpoint.path.empty()) {
    asio::ip::tcp::socket socket(executor);
    asio::ip::tcp::endpoint address(asio::ip::make_address(endpoint.host, error), endpoint.port);
    if (!error) co_await socket.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
  } else {
    asio::local::stream_protocol::socket socket(executor);
    asio::local::stream_protocol::endpoint address(endpoint.path);
    co_await socket.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return error ? error.message() : "";
}

}  // namespace

std::string Endpoint::text() const { return (path.empty() ? "tcp://" : "unix://") + listener(); }

std::string Endpoint::listener() const {
  if (!path.empty()) return path;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

asio::awaitable<model::Check> ask(Endpoint endpoint) {
  auto refused = co_await host::within(kConnectLimit, knock(endpoint));
  bool ok = refused && refused->empty();
  std::string where = endpoint.text();
  std::string why = ok ? where : where + ": " + (refused ? *refused : "no answer within 2 s");
  co_return model::Check{"ready", ok, why};
}

asio::awaitable<model::Check> await_answer(Endpoint endpoint, milliseconds limit) {
  auto give_up = steady_clock::now() + limit;
  for (milliseconds wait(5);; wait = std::min(wait * 2, milliseconds(250))) {
    model::Check heard = co_await ask(endpoint);
    if (heard.ok == true || steady_clock::now() + wait > give_up) co_return heard;
    co_await host::pause(wait);
  }
}

}  // namespace postmultid::companions
