#include "host/notify.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/local/datagram_protocol.hpp>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace postmultid::host {

namespace {

struct Message {
  std::string kind;  // of each only the newest waits
  std::string text;
  Fd passed;
};

enum class Sent { yes, later, nobody };

/// A socket that is connected to the one in $NOTIFY_SOCKET, so that it can be waited for until that has room.
Fd connect_to_systemd() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof(address.sun_path)) return Fd();
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path) + (path[0] == '@' ? 0 : 1));
  Fd made(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made || ::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), length) < 0) return Fd();
  return made;
}

Sent send(int socket, const Message& message) {
  iovec text{const_cast<char*>(message.text.data()), message.text.size()};
  msghdr header{};
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  if (message.passed) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* right = CMSG_FIRSTHDR(&header);
    right->cmsg_level = SOL_SOCKET;
    right->cmsg_type = SCM_RIGHTS;
    right->cmsg_len = CMSG_LEN(sizeof(int));
    int number = message.passed.get();
    std::memcpy(CMSG_DATA(right), &number, sizeof(int));
  }
  if (::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::yes;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Sent::later : Sent::nobody;
}

/// Says things in their order. libsystemd's own calls wait for a systemd that does not read, and with them all that we do.
class Line {
 public:
  void wait_in(asio::io_context& loop) { loop_ = &loop; }

  /// False: nobody listens, or there is no loop to wait in until somebody reads.
  bool say(Message message) {
    if (socket_) {
      std::erase_if(waiting_, [&](const Message& other) { return other.kind == message.kind; });
      waiting_.push_back(std::move(message));
      return true;
    }
    Fd socket = connect_to_systemd();
    Sent sent = socket ? send(socket.get(), message) : Sent::nobody;
    if (sent != Sent::later) return sent == Sent::yes;
    if (!loop_) return false;
    socket_.emplace(*loop_, asio::local::datagram_protocol(), socket.release());
    waiting_.push_back(std::move(message));
    wait();
    return true;
  }

 private:
  void wait() {
    socket_->async_wait(asio::socket_base::wait_write, [this](boost::system::error_code error) {
      Sent sent = error ? Sent::nobody : Sent::yes;
      while (sent == Sent::yes && !waiting_.empty()) {
        sent = send(socket_->native_handle(), waiting_.front());
        if (sent == Sent::yes) waiting_.erase(waiting_.begin());
      }
      if (sent == Sent::later) return wait();
      // A socket that is not systemd's any more: what comes next looks for the new one.
      waiting_.clear();
      socket_.reset();
    });
  }

  asio::io_context* loop_ = nullptr;
  std::optional<asio::local::datagram_protocol::socket> socket_;  // while something waits
  std::vector<Message> waiting_;
};

Line& line() {
  // Never destroyed: what still waits at the end belongs to a loop that is gone before.
  static auto* the_one = new Line;
  return *the_one;
}

bool say_with(std::string kind, std::string text, Fd passed) {
  return line().say({std::move(kind), std::move(text), std::move(passed)});
}

void say(const std::string& variable, const std::string& value) { say_with(variable, variable + "=" + value, Fd()); }

}  // namespace

void notify_from(asio::io_context& loop) { line().wait_in(loop); }

void notify_ready() { say("READY", "1"); }

void notify_status(const std::string& status) {
  static std::string told;
  if (std::exchange(told, status) != status) say("STATUS", status);
}

void notify_stopping() { say("STOPPING", "1"); }

void extend_timeout(std::chrono::seconds by) {
  say("EXTEND_TIMEOUT_USEC", std::to_string(std::chrono::microseconds(by).count()));
}

std::optional<std::chrono::microseconds> watchdog_limit() {
  std::uint64_t limit = 0;
  if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::microseconds(limit);
}

void feed_watchdog() { say("WATCHDOG", "1"); }

bool keep_descriptor(int fd, const std::string& name) {
  Fd ours(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return ours && say_with("FDSTORE " + name, "FDSTORE=1\nFDNAME=" + name, std::move(ours));
}

void forget_descriptor(const std::string& name) {
  say_with("FDSTOREREMOVE " + name, "FDSTOREREMOVE=1\nFDNAME=" + name, Fd());
}

std::optional<Fd> take_kept_descriptor(const std::string& name) {
  std::optional<Fd> found;
  char** names = nullptr;
  // The variables that tell of them are no business of our children.
  int count = ::sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    Fd given(SD_LISTEN_FDS_START + i);
    ::fcntl(given.get(), F_SETFD, FD_CLOEXEC);
    if (!found && names[i] == name) found = std::move(given);
    std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  return found;
}

bool is_listener_at(int fd, const std::string& path) {
  return ::sd_is_socket_unix(fd, SOCK_STREAM, 1, path.c_str(), 0) > 0;
}

}  // namespace postmultid::host
