#include "postfix/banner.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "host/deadline.hpp"
#include "postfix/endpoints.hpp"

namespace postmultid::postfix {

using asio::ip::tcp;

namespace {

// Who does not come from an address with a name is looked up first, and postscreen may let a stranger wait for six seconds.
constexpr std::chrono::seconds kBannerLimit{10};
constexpr std::size_t kLongestBanner = 4096;

/// Empty if it greets as somebody does who takes mail, else what is heard instead.
asio::awaitable<std::string> hear_banner(tcp::endpoint address) {
  tcp::socket socket(co_await asio::this_coro::executor);
  boost::system::error_code error;
  co_await socket.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return "connect: " + error.message();
  std::string heard;
  auto line = asio::dynamic_buffer(heard, kLongestBanner);
  co_await asio::async_read_until(socket, line, '\n', asio::redirect_error(asio::use_awaitable, error));
  std::string banner = heard.substr(0, heard.find_first_of("\r\n"));
  if (error && banner.empty()) co_return error == asio::error::eof ? "it hangs up without a word" : error.message();
  std::string quit = "QUIT\r\n";
  co_await asio::async_write(socket, asio::buffer(quit), asio::redirect_error(asio::use_awaitable, error));
  heard.clear();
  // Until it has hung up itself: else it would log a lost connection.
  for (; !error; heard.clear())
    co_await asio::async_read_until(socket, line, '\n', asio::redirect_error(asio::use_awaitable, error));
  bool greets = banner.starts_with("220 ") || banner.starts_with("220-") || banner == "220";
  co_return greets ? "" : "it says \"" + banner + "\"";
}

}  // namespace

asio::awaitable<model::Check> ask_for_banners(Instance instance, std::vector<host::ListeningSocket> held) {
  std::string bad;
  for (const Endpoint& endpoint : endpoints(instance)) {
    auto service = std::find_if(instance.services.begin(), instance.services.end(), [&](const Service& each) {
      return each.type == "inet" && each.name == endpoint.service;
    });
    auto socket = std::find_if(held.begin(), held.end(), [&](const auto& each) { return endpoint.served_by(each); });
    if (service == instance.services.end() || !service->greets || socket == held.end()) continue;
    boost::system::error_code error;
    std::string host = socket->address != "*" ? socket->address : socket->ipv6 ? "::1" : "127.0.0.1";
    tcp::endpoint address(asio::ip::make_address(host, error), socket->port);
    if (error) continue;  // an address with a scope, which a client could not name either
    auto why = co_await host::within(kBannerLimit, hear_banner(address));
    if (why && why->empty()) continue;
    bad += (bad.empty() ? "" : "; ") + endpoint.service + ": no banner at " + socket->endpoint() + ": " +
           (why ? *why : "it says nothing for 10 s");
  }
  // A restart would cut those who are served, and mend no program.
  co_return model::Check{"banner", bad.empty(), bad, false};
}

}  // namespace postmultid::postfix
