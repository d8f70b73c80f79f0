#include "control/connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url.hpp>
#include <chrono>
#include <memory>
#include <sstream>

#include "control/routes.hpp"

namespace postmultid::control {

namespace beast = boost::beast;
namespace http = beast::http;
using model::Problem;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kHeaderLimit = 8 * 1024;
constexpr std::size_t kBodyLimit = 1024 * 1024;
// What is read at a time; the headers have to fit in.
constexpr std::size_t kBufferLimit = 2 * kHeaderLimit;
constexpr std::chrono::seconds kRequestLimit{15};  // to send one request
constexpr std::chrono::seconds kWriteLimit{15};    // to take one answer, or one piece of a stream
constexpr std::chrono::seconds kIdleLimit{60};     // between two requests
constexpr std::chrono::seconds kBehindLimit{50};   // for a stream's reader to have read all that there was
// Who is still sending when the answer is "no" reads it only then: so much more is taken, and thrown away.
constexpr std::chrono::seconds kLingerLimit{2};
constexpr std::size_t kLingerBytes = 8 * 1024 * 1024;
constexpr char kRetryAfter[] = "1";

/// The socket, and the end of what is being waited for on it. (Beast's own limit would close the socket, and nobody could
/// be told why.)
class Line : public std::enable_shared_from_this<Line> {
 public:
  explicit Line(Socket from) : socket(std::move(from)), timer_(socket.get_executor()) {}

  /// From now on; what is under way then ends with operation_aborted, and late() tells why.
  void limit(std::chrono::milliseconds to) {
    late_ = false;
    timer_.expires_after(to);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
      auto line = weak.lock();
      if (cancelled || !line || line->timer_.expiry() > steady_clock::now()) return;
      line->late_ = true;
      line->cancel();
    });
  }
  void no_limit() { timer_.expires_at(steady_clock::time_point::max()); }
  bool late() const { return late_; }

  void cancel() {
    boost::system::error_code closed;
    socket.cancel(closed);
  }

  Socket socket;

 private:
  asio::steady_timer timer_;
  bool late_ = false;
};

using Parser = http::request_parser<http::string_body>;

/// Nothing if the target is not a path.
std::optional<Request> understand(const http::request<http::string_body>& message, const host::Peer& peer) {
  auto target = boost::urls::parse_origin_form(message.target());
  if (!target) return std::nullopt;
  Request request;
  request.peer = peer;
  request.method = std::string(message.method_string());
  for (auto segment : target->segments()) request.path.push_back(segment);
  for (auto parameter : target->params()) request.query[parameter.key] = parameter.value;
  for (const auto& field : message) {
    std::string name = beast::string_view(field.name_string());
    std::ranges::transform(name, name.begin(),
                           [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string& value = request.headers[name];
    value += (value.empty() ? "" : ", ") + std::string(field.value());
  }
  return request;
}

http::response<http::string_body> render(Response response, unsigned version, bool keep_alive, bool head) {
  http::response<http::string_body> message(static_cast<http::status>(response.status), version);
  message.set(http::field::server, "postmultid/" POSTMULTID_VERSION);
  message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  message.body() = std::move(response.body);
  message.prepare_payload();
  // Its body's length is not that of what the client has.
  if (response.status == 304) message.erase(http::field::content_length);
  if (head) message.body().clear();
  return message;
}

Problem problem_of(const beast::error_code& error, bool late) {
  if (late) return {"request-timeout", "it was not complete within 15 s"};
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return {"headers-too-large", "more than 8 KiB of headers"};
  if (error == http::error::body_limit) return {"body-too-large", "more than 1 MiB of body"};
  return {"bad-request", error.message()};
}

Response refuse_for_now(const Problem& problem) {
  Response response = refuse(problem);
  response.headers["Retry-After"] = kRetryAfter;
  return response;
}

/// Bytes that the other end has not read yet (of TCP: not received).
int unread(Socket& socket) {
  int bytes = 0;
  return ::ioctl(socket.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

/// Writes the pieces of a stream as they come, until the client is gone or is not reading: what is not read costs memory, and
/// whoever comes back is told what was missed.
asio::awaitable<void> pour(Line& line, Response response, unsigned version) {
  bool chunked = version >= 11;  // an older client reads until the end
  http::response<http::empty_body> header(static_cast<http::status>(response.status),
                                          11);  // whoever asks, RFC 9110 2.5
  header.set(http::field::server, "postmultid/" POSTMULTID_VERSION);
  header.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) header.set(name, value);
  header.keep_alive(false);
  if (chunked) header.chunked(true);
  http::response_serializer<http::empty_body> serializer(header);
  beast::error_code error;
  line.limit(kWriteLimit);
  co_await http::async_write_header(line.socket, serializer, asio::redirect_error(asio::use_awaitable, error));
  auto read_all_at = steady_clock::now();
  while (!error) {
    line.no_limit();
    auto piece = co_await response.stream->next();
    line.limit(kWriteLimit);
    if (!piece) break;
    if (unread(line.socket) == 0) read_all_at = steady_clock::now();
    if (steady_clock::now() - read_all_at > kBehindLimit) co_return;
    if (chunked) {
      auto chunk = http::make_chunk(asio::buffer(*piece));
      co_await asio::async_write(line.socket, chunk, asio::redirect_error(asio::use_awaitable, error));
    } else {
      auto bytes = asio::buffer(*piece);
      co_await asio::async_write(line.socket, bytes, asio::redirect_error(asio::use_awaitable, error));
    }
  }
  if (error || !chunked) co_return;
  auto last = http::make_chunk_last();
  co_await asio::async_write(line.socket, last, asio::redirect_error(asio::use_awaitable, error));
}

/// False: nobody takes it.
asio::awaitable<bool> write(Line& line, Response response, bool keep_alive, bool head) {
  auto message = render(std::move(response), 11, keep_alive, head);
  http::response_serializer<http::string_body> serializer(message);
  beast::error_code error;
  line.limit(kWriteLimit);
  if (head)
    co_await http::async_write_header(line.socket, serializer, asio::redirect_error(asio::use_awaitable, error));
  else
    co_await http::async_write(line.socket, serializer, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

/// Closed with something unread, a connection is reset, and the answer may be lost with it.
asio::awaitable<void> linger(Line& line) {
  beast::error_code error;
  line.socket.shutdown(Socket::shutdown_send, error);
  line.limit(kLingerLimit);
  std::array<char, 4096> waste;
  for (std::size_t taken = 0; !error && taken < kLingerBytes;) {
    auto room = asio::buffer(waste);
    taken += co_await line.socket.async_read_some(room, asio::redirect_error(asio::use_awaitable, error));
  }
}

/// One request, from its first byte to its answer.
class Exchange {
 public:
  Exchange(Line& line, beast::flat_buffer& buffer, Door& door, const host::Peer& peer)
      : line_(line), buffer_(buffer), door_(door), peer_(peer) {
    parser_.header_limit(kHeaderLimit);
    parser_.body_limit(kBodyLimit);
  }

  /// Whether there may be another one.
  asio::awaitable<bool> run() {
    line_.limit(kRequestLimit);
    beast::error_code error;
    co_await http::async_read_header(line_.socket, buffer_, parser_, asio::redirect_error(asio::use_awaitable, error));
    bool gone = error == http::error::end_of_stream || error == asio::error::connection_reset;
    if (gone) co_return false;
    Response response;
    if (error)
      response = reject(problem_of(error, line_.late()));
    else
      response = co_await answer();
    if (!error) {
      // An old client does not know that a connection stays open.
      open_ = open_ && parser_.is_done() && parser_.get().keep_alive() && parser_.get().version() >= 11;
    } else {
      open_ = false;
    }
    if (response.stream && !head_) {
      co_await stream(std::move(response));
      co_return false;
    }
    if (door_.traffic.finishing) open_ = false;
    bool written = co_await write(line_, std::move(response), open_, head_);
    bool whole = !error && parser_.is_done();
    if (written && !whole) co_await linger(line_);
    co_return written&& open_;
  }

 private:
  Response reject(const Problem& problem) {
    door_.desk.counters.rejected(problem.code);
    return refuse(problem);
  }
  Response reject_for_now(const Problem& problem) {
    door_.desk.counters.rejected(problem.code);
    return refuse_for_now(problem);
  }

  asio::awaitable<Response> answer() {
    auto request = understand(parser_.get(), peer_);
    if (!request) co_return reject({"bad-request", "the target is not a path"});
    head_ = request->method == "HEAD";
    auto place = door_.requests.take(peer_.uid);
    if (!place) co_return reject_for_now(too_many(place.error(), Scarce::requests, peer_.uid));
    request_ = std::move(*place);
    auto call = admit(door_, *request);
    if (!call) co_return std::move(call.error());
    if (!parser_.is_done()) {
      auto refused = co_await read_body();
      if (refused) co_return std::move(*refused);
    }
    request->body = std::move(parser_.get().body());
    line_.no_limit();  // how long a handler may wait is its own affair; each has a limit
    co_return co_await carry_out(door_, std::move(*call), std::move(*request));
  }

  /// Why not.
  asio::awaitable<std::optional<Response>> read_body() {
    auto length = parser_.content_length();
    auto room = door_.body_bytes.take(peer_.uid, length ? static_cast<std::size_t>(*length) : kBodyLimit);
    if (!room) co_return reject_for_now(too_many(room.error(), Scarce::bytes, peer_.uid));
    body_ = std::move(*room);
    beast::error_code error;
    auto expected = parser_.get()[http::field::expect];
    if (!expected.empty() && !beast::iequals(expected, "100-continue"))
      co_return reject({"expectation-failed", "only Expect: 100-continue is known"});
    if (!expected.empty()) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      http::response_serializer<http::empty_body> serializer(go_on);
      co_await http::async_write(line_.socket, serializer, asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error)
      co_await http::async_read(line_.socket, buffer_, parser_, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return reject(problem_of(error, line_.late()));
    co_return std::nullopt;
  }

  asio::awaitable<void> stream(Response response) {
    auto place = door_.subscribers.take(peer_.uid);
    if (!place) {
      Response full = reject_for_now(too_many(place.error(), Scarce::subscribers, peer_.uid));
      co_await write(line_, std::move(full), false, false);
      co_return;
    }
    Allowance::Share subscriber = std::move(*place);
    request_ = {};
    unsigned version = parser_.get().version();
    Present streaming(door_.desk.counters.event_streams);
    co_await pour(line_, std::move(response), version);
  }

  Line& line_;
  beast::flat_buffer& buffer_;
  Door& door_;
  const host::Peer& peer_;
  Parser parser_;
  Allowance::Share request_, body_;
  bool head_ = false, open_ = true;
};

/// False: nothing more comes.
asio::awaitable<bool> await_first_byte(Line& line, beast::flat_buffer& buffer, Door& door) {
  Idle::Stay stay(door.idle, [weak = line.weak_from_this()] {
    if (auto idle = weak.lock()) idle->cancel();
  });
  line.limit(kIdleLimit);
  beast::error_code error;
  co_await line.socket.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return false;
  auto room = buffer.prepare(512);
  auto some = co_await line.socket.async_read_some(room, asio::redirect_error(asio::use_awaitable, error));
  buffer.commit(some);
  co_return !error;
}

asio::awaitable<bool> exchange(Line& line, beast::flat_buffer& buffer, Door& door, const host::Peer& peer) {
  Exchange one(line, buffer, door, peer);
  co_return co_await one.run();
}

}  // namespace

Problem too_many(Allowance::Full full, Scarce what, uid_t uid) {
  struct Words {
    model::ProblemCode code;
    std::string all;
  };
  static const Words kWords[] = {{"too-many-connections", "connections"},
                                 {"too-many-requests", "requests"},
                                 {"too-many-bytes", "bytes of requests"},
                                 {"too-many-subscribers", "subscribers"}};
  const auto& [code, words] = kWords[static_cast<std::size_t>(what)];
  if (full == Allowance::Full::for_user)
    return {code, "uid " + std::to_string(uid) + " has as many " + words + " as one user may have at a time"};
  return {"overloaded", "there are as many " + words + " as postmultid takes at a time; some are kept for root"};
}

std::string farewell(const Problem& problem) {
  std::ostringstream text;
  text << render(refuse_for_now(problem), 11, false, false);
  return text.str();
}

asio::awaitable<void> converse(Socket socket, Door& door, host::Peer peer) {
  Present connected(door.desk.counters.connections);
  std::optional<Underway> under_way(std::in_place, door.traffic);
  auto line = std::make_shared<Line>(std::move(socket));
  beast::flat_buffer buffer(kBufferLimit);
  for (bool open = true; open;) {
    if (buffer.size() == 0) {
      buffer.shrink_to_fit();  // many are idle
      bool come = co_await await_first_byte(*line, buffer, door);
      if (!come) co_return;
    }
    if (!under_way) under_way.emplace(door.traffic);
    open = co_await exchange(*line, buffer, door, peer);
    under_way.reset();
  }
  boost::system::error_code closed;
  line->socket.shutdown(Socket::shutdown_both, closed);
}

}  // namespace postmultid::control
