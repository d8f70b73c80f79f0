#include "client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>

#include "model/problem.hpp"

namespace postmultid::ctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::local::stream_protocol;
using nlohmann::json;

namespace {

using Response = http::response<http::string_body>;

// A start reads all instances before it is answered; where a file system hangs each postconf takes its limit of 10 s.
constexpr std::chrono::seconds kAnswerLimit{120};

asio::awaitable<Response> exchange_on(stream_protocol::endpoint endpoint, http::request<http::string_body> request) {
  beast::basic_stream<stream_protocol> stream(co_await asio::this_coro::executor);
  stream.expires_after(kAnswerLimit);
  co_await stream.async_connect(endpoint, asio::use_awaitable);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 * 1024 * 1024);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  co_return parser.release();
}

Trouble unreachable(const std::string& socket, const boost::system::error_code& error) {
  if (error == boost::system::errc::permission_denied)
    return {Exit::not_permitted, "not permitted to connect to " + socket + ": try as root"};
  if (error == boost::system::errc::no_such_file_or_directory || error == boost::system::errc::connection_refused)
    return {Exit::unreachable, "postmultid is not running (nobody listens on " + socket +
                                   ")\nStart it:  systemctl start postmultid   or by hand:  postmultid"};
  return {Exit::unreachable, "postmultid does not answer on " + socket + ": " + error.message()};
}

Exit exit_of(const model::Problem& problem) {
  if (problem.code == "no-such-instance" || problem.code == "no-such-group") return Exit::no_such_instance;
  if (problem.status == 403) return Exit::not_permitted;
  if (problem.status == 400) return Exit::usage;
  return Exit::failed;
}

}  // namespace

Result<json> Client::get(const std::string& target) { return exchange("GET", target, ""); }

Result<json> Client::post(const std::string& target, const json& body) {
  return exchange("POST", target, body.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<json> Client::exchange(const std::string& method, const std::string& target, const std::string& body) {
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, "postmultid");
  request.set(http::field::user_agent, "pmctl/" POSTMULTID_VERSION);
  request.keep_alive(false);
  request.body() = body;
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.prepare_payload();

  if (socket_.size() >= sizeof(sockaddr_un::sun_path))
    return std::unexpected(Trouble{Exit::usage, socket_ + ": too long for a socket's path"});
  asio::io_context context;
  std::optional<Response> response;
  boost::system::error_code error;
  asio::co_spawn(context, exchange_on(stream_protocol::endpoint(socket_), std::move(request)),
                 [&](std::exception_ptr failed, Response answer) {
                   try {
                     if (failed) std::rethrow_exception(failed);
                     response = std::move(answer);
                   } catch (const boost::system::system_error& e) {
                     error = e.code();
                   }
                 });
  context.run();
  if (!response) return std::unexpected(unreachable(socket_, error));

  json document = json::parse(response->body(), nullptr, false);
  if (document.is_discarded())
    return std::unexpected(
        Trouble{Exit::failed, "the daemon's answer is not JSON: is something else listening on " + socket_ + "?"});
  if (response->result_int() < 400) return document;
  try {
    auto problem = document.get<model::Problem>();
    return std::unexpected(Trouble{exit_of(problem), problem.detail});
  } catch (const json::exception&) {
    return document;  // a health report has an error status and no problem
  }
}

}  // namespace postmultid::ctl
