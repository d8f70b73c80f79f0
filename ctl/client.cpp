#include "client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <thread>

#include "model/problem.hpp"

namespace postmultid::ctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::local::stream_protocol;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

using Response = http::response<http::string_body>;

asio::awaitable<Response> exchange_on(stream_protocol::endpoint endpoint, http::request<http::string_body> request,
                                      steady_clock::time_point end) {
  beast::basic_stream<stream_protocol> stream(co_await asio::this_coro::executor);
  stream.expires_at(end);
  co_await stream.async_connect(endpoint, asio::use_awaitable);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 * 1024 * 1024);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  co_return parser.release();
}

Trouble unreachable(const std::string& socket, const boost::system::error_code& error, milliseconds limit) {
  if (error == beast::error::timeout)
    return {Exit::unreachable,
            fmt::format("postmultid does not answer within {} s on {}: it hangs, or still reads all instances\n"
                        "Look at it:  systemctl status postmultid",
                        std::chrono::ceil<std::chrono::seconds>(limit).count(), socket)};
  if (error == boost::system::errc::permission_denied)
    return {Exit::not_permitted, "not permitted to connect to " + socket + ": try as root"};
  if (error == boost::system::errc::no_such_file_or_directory || error == boost::system::errc::connection_refused)
    return {Exit::unreachable, "postmultid is not running (nobody listens on " + socket +
                                   ")\nStart it:  systemctl start postmultid   or by hand:  postmultid"};
  return {Exit::unreachable, "postmultid does not answer on " + socket + ": " + error.message()};
}

// A daemon is back within a second; a busy host takes a little longer.
constexpr std::chrono::seconds kPatience{5};
// A stream says something at least every half minute.
constexpr std::chrono::seconds kSilence{120};
// Nothing tells a client when somebody begins to listen again.
constexpr milliseconds kPause{20};

bool broken(const boost::system::error_code& error) {
  return error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
         error == boost::system::errc::connection_reset || error == boost::system::errc::broken_pipe;
}

/// Waits a little before each next try; says when there is to be none: at that end, or before.
class Patience {
 public:
  Patience(bool was_there, steady_clock::time_point last) : was_there_(was_there), last_(last) {}

  /// Only who was there once is waited for.
  bool for_another_try_after(const boost::system::error_code& error) {
    bool absent =
        error == boost::system::errc::no_such_file_or_directory || error == boost::system::errc::connection_refused;
    was_there_ |= broken(error);
    if (!broken(error) && !(absent && was_there_)) return false;
    if (!end_) end_ = std::min(last_, steady_clock::now() + kPatience);
    if (steady_clock::now() >= *end_) return false;
    std::this_thread::sleep_for(kPause);
    return true;
  }

 private:
  bool was_there_;
  steady_clock::time_point last_;
  std::optional<steady_clock::time_point> end_;
};

Exit exit_of(const model::Problem& problem) {
  if (problem.code == "no-such-instance" || problem.code == "no-such-group") return Exit::no_such_instance;
  if (problem.status == 403) return Exit::not_permitted;
  for (const char* refusal : {"bad-definition", "plan-outdated", "restart-needed", "observing"})
    if (problem.code == refusal) return Exit::refused;
  if (problem.status == 400) return Exit::usage;
  return Exit::failed;
}

Trouble too_long(const std::string& socket) { return {Exit::usage, socket + ": too long for a socket's path"}; }

http::request<http::string_body> make_request(const std::string& method, const std::string& target,
                                              const std::string& body) {
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, "postmultid");
  request.set(http::field::user_agent, "pmctl/" POSTMULTID_VERSION);
  request.keep_alive(false);
  request.body() = body;
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.prepare_payload();
  return request;
}

/// A refusal's body as what to say and with which status to end.
Trouble understand(const std::string& body) {
  json document = json::parse(body, nullptr, false);
  try {
    auto problem = document.get<model::Problem>();
    return {exit_of(problem), problem.detail};
  } catch (const json::exception&) {
    return {Exit::failed, "the daemon's answer is not understood"};
  }
}

/// The lines of a chunked answer, as they come. Returns the body of a refusal; empty if there was none.
asio::awaitable<std::string> follow(stream_protocol::endpoint endpoint, http::request<http::string_body> request,
                                    const Client::Line& line, steady_clock::time_point begun_by,
                                    steady_clock::time_point end) {
  beast::basic_stream<stream_protocol> stream(co_await asio::this_coro::executor);
  stream.expires_at(begun_by);
  co_await stream.async_connect(endpoint, asio::use_awaitable);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  co_await http::async_read_header(stream, buffer, parser, asio::use_awaitable);
  bool refused = parser.get().result_int() >= 400;
  if (!refused && !line("")) co_return "";
  while (!parser.is_done()) {
    stream.expires_at(std::min(end, steady_clock::now() + kSilence));
    boost::system::error_code error;
    co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == beast::error::timeout && steady_clock::now() >= end) co_return "";
    if (error) throw boost::system::system_error(error);
    std::string& body = parser.get().body();
    for (std::size_t stop; !refused && (stop = body.find('\n')) != std::string::npos; body.erase(0, stop + 1))
      if (!line(body.substr(0, stop))) co_return "";
  }
  co_return refused ? parser.get().body() : "";
}

}  // namespace

Result<json> Client::get(const std::string& target, milliseconds waits) {
  return exchange("GET", target, "", look_limit_ + waits);
}

Result<json> Client::post(const std::string& target, const json& body, const Heard& heard, milliseconds limit) {
  return exchange("POST", target, body.dump(-1, ' ', false, json::error_handler_t::replace), limit, heard);
}

Result<json> Client::remove(const std::string& target) { return exchange("DELETE", target, "", look_limit_); }

Result<void> Client::stream(const std::string& target, const Line& line, steady_clock::time_point end) {
  if (socket_.size() >= sizeof(sockaddr_un::sun_path)) return std::unexpected(too_long(socket_));
  bool begun = false;
  // A Line already: the coroutine keeps a reference to it.
  Line noticed = [&](const std::string& each) {
    answered_ = begun = true;
    return line(each);
  };
  auto start = steady_clock::now();
  auto begun_by = std::min(end_, start + look_limit_);
  for (Patience patience(answered_, std::min(end, begun_by));;) {
    asio::io_context context;
    boost::system::error_code error;
    std::string refused;
    asio::co_spawn(context,
                   follow(stream_protocol::endpoint(socket_), make_request("GET", target, ""), noticed, begun_by, end),
                   [&](std::exception_ptr failed, std::string body) {
                     try {
                       if (failed) std::rethrow_exception(failed);
                       refused = std::move(body);
                     } catch (const boost::system::system_error& e) {
                       error = e.code();
                     }
                   });
    context.run();
    if (!refused.empty()) return std::unexpected(understand(refused));
    if (!error || (begun && broken(error))) return {};
    auto limit = begun ? milliseconds(kSilence) : std::chrono::floor<milliseconds>(begun_by - start);
    if (!patience.for_another_try_after(error)) return std::unexpected(unreachable(socket_, error, limit));
  }
}

Result<json> Client::exchange(const std::string& method, const std::string& target, const std::string& body,
                              milliseconds limit, const Heard& heard) {
  if (socket_.size() >= sizeof(sockaddr_un::sun_path)) return std::unexpected(too_long(socket_));
  std::optional<Response> response;
  auto start = steady_clock::now();
  auto end = std::min(end_, start + limit);
  limit = std::chrono::floor<milliseconds>(end - start);
  for (Patience patience(answered_, end); !response;) {
    asio::io_context context;
    boost::system::error_code error;
    asio::co_spawn(context, exchange_on(stream_protocol::endpoint(socket_), make_request(method, target, body), end),
                   [&](std::exception_ptr failed, Response answer) {
                     try {
                       if (failed) std::rethrow_exception(failed);
                       response = std::move(answer);
                     } catch (const boost::system::system_error& e) {
                       error = e.code();
                     }
                   });
    context.run();
    if (response) break;
    if (!patience.for_another_try_after(error)) return std::unexpected(unreachable(socket_, error, limit));
    if (!heard) continue;
    auto answer = heard();
    if (!answer) return std::unexpected(answer.error());
    if (*answer) return std::move(**answer);
  }

  answered_ = true;
  if ((*response)[http::field::content_type].starts_with("text/plain")) return json(response->body());
  json document = json::parse(response->body(), nullptr, false);
  if (document.is_discarded())
    return std::unexpected(
        Trouble{Exit::failed, "the daemon's answer is not JSON: is something else listening on " + socket_ + "?"});
  if (response->result_int() < 400) return document;
  // A health report has an error status and no problem.
  if (!document.contains("code")) return document;
  return std::unexpected(understand(response->body()));
}

}  // namespace postmultid::ctl
