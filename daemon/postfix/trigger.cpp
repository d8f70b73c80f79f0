#include "postfix/trigger.hpp"

#include <fcntl.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "host/deadline.hpp"

namespace postmultid::postfix {

using asio::local::stream_protocol;

namespace {

constexpr std::chrono::seconds kTriggerLimit{5};

asio::awaitable<std::string> limited(Instance instance, std::string service, std::string request) {
  auto answer = co_await host::within(kTriggerLimit, trigger(std::move(instance), service, std::move(request)));
  if (!answer) co_return service + " did not answer within 5 s";
  co_return answer->empty() ? "" : service + ": " + *answer;
}

}  // namespace

PublicSocket::PublicSocket(const Instance& instance, const std::string& service)
    : directory_(::open((instance.queue_directory + "/public").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      endpoint_("/proc/self/fd/" + std::to_string(directory_.get()) + "/" + service) {}

asio::awaitable<std::string> trigger(Instance instance, std::string service, std::string request) {
  PublicSocket address(instance, service);
  stream_protocol::socket socket(co_await asio::this_coro::executor);
  boost::system::error_code error;
  co_await socket.async_connect(address.endpoint(), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return "connect: " + error.message();
  co_await asio::async_write(socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return "write: " + error.message();
  std::array<char, 1> nothing{};
  co_await socket.async_read_some(asio::buffer(nothing), asio::redirect_error(asio::use_awaitable, error));
  co_return error == asio::error::eof ? "" : "no answer: " + error.message();
}

asio::awaitable<std::string> flush(Instance instance) {
  // Forget which destinations were dead (F), ignore time stamps (A), scan deferred (D) and incoming (I).
  std::string qmgr = co_await limited(instance, instance.qmgr_service, "FADI");
  if (!qmgr.empty()) co_return qmgr;
  co_return co_await limited(instance, instance.pickup_service, "W");
}

}  // namespace postmultid::postfix
