#include "control/accept.hpp"

#include <sys/socket.h>

#include "host/log.hpp"
#include "host/watch.hpp"

namespace postmultid::control {

namespace {

// Descriptors that connections do not get: the mail system's work needs some, and root has to come in.
constexpr rlim_t kReserve = 64;
constexpr std::chrono::minutes kTellAgain{1};

/// The kernel gives the lowest number that is free, so the number tells how many are in use.
bool is_of_reserve(int descriptor) {
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) < 0 || most.rlim_cur == RLIM_INFINITY) return false;
  return static_cast<rlim_t>(descriptor) + kReserve >= most.rlim_cur;
}

/// Not waited for: it fits into the socket's buffer, or is not worth it.
void send_away(Socket& socket, const model::Problem& problem) {
  std::string text = farewell(problem);
  [[maybe_unused]] auto sent = ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

asio::awaitable<void> stay(Socket socket, Door& door, host::Peer peer, Allowance::Share place) {
  Allowance::Share held = std::move(place);
  co_await converse(std::move(socket), door, std::move(peer));
}

}  // namespace

void let_in(asio::io_context& loop, Socket socket, Door& door, PeerOf peer_of) {
  host::Peer peer = peer_of(socket.native_handle());
  bool root = peer.uid == 0;
  auto place = door.connections.take(peer.uid);
  std::expected<Allowance::Share, Allowance::Full> reserve = std::unexpected(Allowance::Full::for_all);
  if (place && !root && is_of_reserve(socket.native_handle())) place = std::move(reserve);
  // Root's own pollers may have taken all: the one that has nothing to say makes room.
  if (!place && root && door.idle.close_longest()) place = door.connections.take_anyway(peer.uid);
  if (!place) {
    model::Problem full = too_many(place.error(), Scarce::connections, peer.uid);
    door.desk.counters.rejected(full.code);
    return send_away(socket, full);
  }
  asio::co_spawn(loop, stay(std::move(socket), door, std::move(peer), std::move(*place)),
                 [](std::exception_ptr failed) {
                   try {
                     if (failed) std::rethrow_exception(failed);
                   } catch (const std::exception& e) {
                     host::log(host::Level::error, std::string("internal: control connection: ") + e.what());
                   }
                 });
}

asio::awaitable<void> make_room(Door& door, boost::system::error_code why,
                                std::optional<std::chrono::steady_clock::time_point>& told_at) {
  auto now = std::chrono::steady_clock::now();
  if (!told_at || now - *told_at > kTellAgain) {
    host::log(host::Level::warning, "accept: " + why.message() + "; idle connections are closed to make room");
    told_at = now;
  }
  // Who waits to be accepted stays in the backlog meanwhile; a connection that is closed is gone in the loop's next turn.
  bool closed = door.idle.close_longest();
  auto pause = closed ? std::chrono::milliseconds(1) : std::chrono::milliseconds(100);
  co_await host::pause(pause);
}

}  // namespace postmultid::control
