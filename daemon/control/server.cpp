#include "control/server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>

#include "control/accept.hpp"
#include "host/lock.hpp"
#include "host/log.hpp"
#include "host/notify.hpp"
#include "host/watch.hpp"

namespace postmultid::control {

using asio::local::stream_protocol;
using model::Result;
using model::system_error;

namespace {

// Beyond these: refused, with a word (docs/openapi.yaml).
constexpr std::size_t kMebibyte = 1024 * 1024;
constexpr DoorLimits kLimits{.connections = {1024, 256, 8},
                             .requests = {256, 64, 8},
                             .subscribers = {256, 64, 8},
                             .body_bytes = {8 * kMebibyte, 2 * kMebibyte, 2 * kMebibyte}};
constexpr char kKeptAs[] = "control";
constexpr std::chrono::milliseconds kAuditLook{5};

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
      path_(std::move(path)),
      acceptor_(std::make_shared<stream_protocol::acceptor>(loop)),
      traffic_{.nobody_waits = asio::steady_timer(loop)},
      desk_(service),
      door_(service, audit_, traffic_, desk_, kLimits),
      loopback_(loop, service, audit_, traffic_, desk_) {}

void Server::close() {
  ::unlink(path_.c_str());
  host::forget_descriptor(kKeptAs);
}

asio::awaitable<void> Server::finish(std::chrono::milliseconds limit) {
  traffic_.finishing = true;
  acceptor_->cancel();
  loopback_.finish();
  auto end = std::chrono::steady_clock::now() + limit;
  if (traffic_.under_way != 0) {
    traffic_.nobody_waits.expires_at(end);
    boost::system::error_code nobody;
    co_await traffic_.nobody_waits.async_wait(asio::redirect_error(asio::use_awaitable, nobody));
  }
  // What was done is on record before we go.
  while (!audit_.idle() && std::chrono::steady_clock::now() < end) co_await host::pause(kAuditLook);
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
  if (const group* members = ::getgrnam(runtime::kControlGroup))
    if (::chown(path_.c_str(), 0, members->gr_gid) < 0) return std::unexpected(system_error("chown " + path_));
  if (::chmod(path_.c_str(), 0660) < 0) return std::unexpected(system_error("chmod " + path_));
  host::keep_descriptor(acceptor_->native_handle(), kKeptAs);
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
  acceptor_->assign(stream_protocol(), kept->release(), error);
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
  acceptor_->open(stream_protocol(), error);
  if (!error) acceptor_->bind(stream_protocol::endpoint(path_), error);
  ::umask(before);
  if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
  if (error) return model::failure("listen on " + path_ + ": " + error.message());
  return {};
}

void Server::serve() {
  auto end = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(loop_, accept_for_ever<stream_protocol>(loop_, acceptor_, door_, host::peer_of), end);
  asio::co_spawn(loop_, loopback_.follow(), end);
}

}  // namespace postmultid::control
