#include "control/server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url.hpp>
#include <chrono>
#include <filesystem>

#include "control/routes.hpp"
#include "host/lock.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/watch.hpp"

namespace postmultid::control {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::local::stream_protocol;
using model::Problem;
using model::Result;
using model::system_error;

namespace {

using Connection = beast::basic_stream<stream_protocol>;

constexpr std::size_t kHeaderLimit = 8 * 1024;
constexpr std::size_t kBodyLimit = 1024 * 1024;
constexpr std::chrono::seconds kRequestLimit{15};  // to send one request
constexpr std::chrono::seconds kWriteLimit{15};    // to take one answer
constexpr std::chrono::seconds kIdleLimit{60};     // between two requests
constexpr unsigned kConnectionLimit = 256;
constexpr char kGroup[] = "postmultid";
constexpr char kKeptAs[] = "control";

Peer peer_of(Connection& stream) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(stream.socket().native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
    return {0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  return {credentials.pid, credentials.uid, credentials.gid};
}

/// Nothing if the target is not a path.
std::optional<Request> understand(const http::request<http::string_body>& message, const Peer& peer, Desk& desk) {
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
  request.body = message.body();
  request.desk = &desk;
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

Problem problem_of(const beast::error_code& error) {
  if (error == http::error::header_limit)
    return {431, "headers-too-large", "The headers are too large", "more than 8 KiB of headers"};
  if (error == http::error::body_limit)
    return {413, "body-too-large", "The body is too large", "more than 1 MiB of body"};
  if (error == beast::error::timeout)
    return {408, "request-timeout", "The request took too long", "it was not complete within 15 s"};
  return {400, "bad-request", "The request cannot be understood", error.message()};
}

/// Writes the pieces of a stream as they come; an error says that the client is gone or does not read.
asio::awaitable<beast::error_code> pour(Connection& stream, Response response) {
  http::response<http::empty_body> header(static_cast<http::status>(response.status), 11);
  header.set(http::field::server, "postmultid/" POSTMULTID_VERSION);
  header.set(http::field::content_type, response.content_type);
  header.keep_alive(false);
  header.chunked(true);
  http::response_serializer<http::empty_body> serializer(header);
  beast::error_code error;
  stream.expires_after(kWriteLimit);
  co_await http::async_write_header(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
  while (!error) {
    stream.expires_never();
    auto piece = co_await response.stream->next();
    stream.expires_after(kWriteLimit);
    if (!piece) break;
    auto chunk = http::make_chunk(asio::buffer(*piece));
    co_await asio::async_write(stream, chunk, asio::redirect_error(asio::use_awaitable, error));
  }
  if (!error)
    co_await asio::async_write(stream, http::make_chunk_last(), asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

/// A request while it is under way.
class Underway {
 public:
  explicit Underway(Server::Traffic& traffic) : traffic_(traffic) { ++traffic_.under_way; }
  ~Underway() {
    if (--traffic_.under_way == 0) traffic_.nobody_waits.cancel();
  }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;

 private:
  Server::Traffic& traffic_;
};

/// One connection, one request after the other.
asio::awaitable<void> converse(Connection stream, runtime::Service& service, Server::Traffic& traffic, Desk& desk) {
  Present connected(desk.counters.connections);
  std::optional<Underway> under_way(std::in_place, traffic);
  Peer peer = peer_of(stream);
  beast::flat_buffer buffer(kHeaderLimit + kBodyLimit);
  beast::error_code error;
  for (bool open = true; open;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kHeaderLimit);
    parser.body_limit(kBodyLimit);
    if (buffer.size() == 0) {
      // The first byte may take its time; from then on the clock runs.
      stream.expires_after(kIdleLimit);
      auto some =
          co_await stream.async_read_some(buffer.prepare(512), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      buffer.commit(some);
    }
    if (!under_way) under_way.emplace(traffic);
    stream.expires_after(kRequestLimit);
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::end_of_stream || error == asio::error::connection_reset) co_return;
    Response response;
    bool head = false;
    if (!error) open = parser.get().keep_alive();
    if (error) {
      Problem problem = problem_of(error);
      desk.counters.rejected(problem.code);
      response = refuse(problem);
      open = false;
    } else if (auto request = understand(parser.get(), peer, desk)) {
      head = request->method == "HEAD";
      stream.expires_never();  // how long a handler may wait is its own affair; each has a limit
      response = co_await route(service, std::move(*request));
    } else {
      desk.counters.rejected("bad-request");
      response = refuse({400, "bad-request", "The request cannot be understood", "the target is not a path"});
    }
    if (response.stream && !head) {
      Present streaming(desk.counters.event_streams);
      error = co_await pour(stream, std::move(response));
      break;
    }
    stream.expires_after(kWriteLimit);
    if (traffic.finishing) open = false;
    auto message = render(std::move(response), 11, open, head);
    http::response_serializer<http::string_body> serializer(message);
    if (head)
      co_await http::async_write_header(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
    else
      co_await http::async_write(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    under_way.reset();
  }
  stream.socket().shutdown(stream_protocol::socket::shutdown_both, error);
}

/// Whether somebody answers there.
bool is_alive(const std::string& path) {
  asio::io_context context;
  stream_protocol::socket socket(context);
  boost::system::error_code error;
  socket.open();
  socket.non_blocking(true);  // a queue of clients that is full is a sign of life, too
  socket.connect(stream_protocol::endpoint(path), error);
  return !error || error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Server::Server(asio::io_context& loop, runtime::Service& service, std::string path)
    : loop_(loop),
      service_(service),
      path_(std::move(path)),
      acceptor_(loop),
      traffic_{.nobody_waits = asio::steady_timer(loop)},
      desk_(service) {}

void Server::close() {
  ::unlink(path_.c_str());
  host::forget_descriptor(kKeptAs);
}

asio::awaitable<void> Server::finish(std::chrono::milliseconds limit) {
  traffic_.finishing = true;
  acceptor_.cancel();
  if (traffic_.under_way == 0) co_return;
  traffic_.nobody_waits.expires_after(limit);
  boost::system::error_code nobody;
  co_await traffic_.nobody_waits.async_wait(asio::redirect_error(asio::use_awaitable, nobody));
}

Result<void> Server::listen(bool in_place_of_kept) {
  if (path_.size() >= sizeof(sockaddr_un::sun_path))
    return model::failure(path_ + ": a socket's path has at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                          " bytes");
  std::error_code made;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), made);
  if (made)
    return model::failure("create " + std::filesystem::path(path_).parent_path().string() + ": " + made.message());

  // The lock decides between two daemons, whatever the socket's file looks like: it goes with its owner.
  auto lock = host::take_lock(path_ + ".lock");
  if (!lock) return std::unexpected(lock.error());
  lock_ = std::move(*lock);
  auto taken = take_kept();
  if (!taken) return std::unexpected(taken.error());
  if (!*taken)
    if (auto bound = bind(in_place_of_kept); !bound) return bound;
  if (const group* members = ::getgrnam(kGroup))
    if (::chown(path_.c_str(), 0, members->gr_gid) < 0) return std::unexpected(system_error("chown " + path_));
  if (::chmod(path_.c_str(), 0660) < 0) return std::unexpected(system_error("chmod " + path_));
  host::keep_descriptor(acceptor_.native_handle(), kKeptAs);
  return {};
}

/// Of use is only a socket that clients still come to: somebody may have taken its name away, or given it to another.
Result<bool> Server::take_kept() {
  auto kept = host::take_kept_descriptor(kKeptAs);
  if (!kept) return false;
  if (!host::is_listener_at(kept->get(), path_) || !is_alive(path_)) {
    host::forget_descriptor(kKeptAs);
    return false;
  }
  boost::system::error_code error;
  acceptor_.assign(stream_protocol(), kept->release(), error);
  if (error) return model::failure("listen on " + path_ + " again: " + error.message());
  return true;
}

Result<void> Server::bind(bool in_place_of_kept) {
  struct stat existing {};
  if (::lstat(path_.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) return model::failure(path_ + " is there and is not a socket: not replaced");
    if (!in_place_of_kept && is_alive(path_)) return model::failure(path_ + " is in use by another program");
    ::unlink(path_.c_str());
  }

  boost::system::error_code error;
  mode_t before = ::umask(0177);
  acceptor_.open(stream_protocol(), error);
  if (!error) acceptor_.bind(stream_protocol::endpoint(path_), error);
  ::umask(before);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return model::failure("listen on " + path_ + ": " + error.message());
  return {};
}

void Server::serve() {
  asio::co_spawn(loop_, accept_for_ever(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
}

asio::awaitable<void> Server::accept_for_ever() {
  for (;;) {
    boost::system::error_code error;
    auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors, most likely: the waiting connection stays in the backlog until there is one again.
      host::log(host::Level::warning, "accept: " + error.message());
      co_await host::pause(std::chrono::milliseconds(100));
      continue;
    }
    if (connections_ >= kConnectionLimit) {
      desk_.counters.rejected("too-many-connections");
      continue;  // closed at once
    }
    ++connections_;
    asio::co_spawn(loop_, converse(Connection(std::move(socket)), service_, traffic_, desk_),
                   [this](std::exception_ptr failed) {
                     --connections_;
                     try {
                       if (failed) std::rethrow_exception(failed);
                     } catch (const std::exception& e) {
                       host::log(host::Level::error, std::string("internal: control connection: ") + e.what());
                     }
                   });
  }
}

}  // namespace postmultid::control
