#include "host/bus.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "host/log.hpp"

namespace postmultid::host {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr char kDisconnected[] = "org.freedesktop.DBus.Error.Disconnected";
// A bus that is restarted is back within a moment; one that is not there costs nothing to look for.
constexpr milliseconds kFirstPause{100}, kLongestPause{5000};
// More than this at a time would keep everything else waiting.
constexpr int kMessagesAtATime = 32;

std::string words(int error) { return std::strerror(std::abs(error)); }

}  // namespace

bool BusError::gone() const {
  // The latter are sd-bus's own: what the connection met.
  static const char* const kGone[] = {kDisconnected,
                                      "org.freedesktop.DBus.Error.NoReply",
                                      "org.freedesktop.DBus.Error.NameHasNoOwner",
                                      "org.freedesktop.DBus.Error.ServiceUnknown",
                                      "org.freedesktop.DBus.Error.Timeout",
                                      "org.freedesktop.DBus.Error.TimedOut",
                                      "org.freedesktop.DBus.Error.NoServer",
                                      "System.Error.ECONNRESET",
                                      "System.Error.ENOTCONN",
                                      "System.Error.EPIPE"};
  return name.starts_with("org.freedesktop.DBus.Error.Spawn.") ||
         std::any_of(std::begin(kGone), std::end(kGone), [&](const char* each) { return name == each; });
}

/// One connection: as long as it lives, sd-bus is given the processor whenever its descriptor or its clock says so.
class Bus::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Bus& owner, sd_bus* bus)
      : owner_(&owner), bus_(bus, &::sd_bus_close_unref), descriptor_(owner.loop_), clock_(owner.loop_) {}

  sd_bus* get() const { return bus_.get(); }

  /// Nothing, or an errno.
  int open() {
    // sd-bus closes its own; the reactor has to be told before a descriptor is closed.
    int duplicate = ::fcntl(::sd_bus_get_fd(get()), F_DUPFD_CLOEXEC, 3);
    if (duplicate < 0) return errno;
    descriptor_.assign(duplicate);
    return 0;
  }

  void hear(Heard& heard) {
    // The slot is the bus's own. A rule that is refused ends the connection (sd_bus_add_match_async(3)).
    (void)::sd_bus_add_match_async(get(), nullptr, heard.rule.c_str(), &Connection::on_signal, nullptr, &heard);
  }

  /// To be called after whatever may have changed what sd-bus waits for.
  void arm() {
    if (!owner_) return;
    int events = ::sd_bus_get_events(get());
    if (events < 0) return close();
    if (events & POLLIN) wait(asio::posix::stream_descriptor::wait_read, reading_);
    if (events & POLLOUT) wait(asio::posix::stream_descriptor::wait_write, writing_);
    std::uint64_t due =
        std::numeric_limits<std::uint64_t>::max();  // microseconds of CLOCK_MONOTONIC, as steady_clock is
    (void)::sd_bus_get_timeout(get(), &due);
    if (due == std::numeric_limits<std::uint64_t>::max()) {
      clock_.cancel();
      return;
    }
    auto far = std::chrono::microseconds(std::min<std::uint64_t>(due, std::numeric_limits<std::int64_t>::max() / 1000));
    clock_.expires_at(steady_clock::time_point(far));
    clock_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled) self->process();
    });
  }

  /// Whoever waits for an answer is told that there will be none.
  void abandon() { owner_ = nullptr; }

 private:
  static int on_signal(sd_bus_message* signal, void* heard, sd_bus_error*) {
    static_cast<Heard*>(heard)->listener(signal);
    return 0;
  }

  void wait(asio::posix::stream_descriptor::wait_type what, bool& waiting) {
    if (std::exchange(waiting, true)) return;
    descriptor_.async_wait(what, [self = shared_from_this(), &waiting](boost::system::error_code error) {
      waiting = false;
      if (!error) self->process();
    });
  }

  void process() {
    if (!owner_) return;
    for (int done = 0; done < kMessagesAtATime; ++done) {
      int result = ::sd_bus_process(get(), nullptr);
      if (result < 0) return close();
      if (result == 0) return arm();
    }
    asio::post(descriptor_.get_executor(), [self = shared_from_this()] { self->process(); });
  }

  void close() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    clock_.cancel();
    if (Bus* owner = std::exchange(owner_, nullptr)) owner->lost();
  }

  Bus* owner_;  // null: it is not this connection's any more
  std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)> bus_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer clock_;
  bool reading_ = false, writing_ = false;
};

Bus::Bus(asio::io_context& loop, std::function<void()> connected)
    : loop_(loop), connected_(std::move(connected)), again_(loop), pause_(kFirstPause) {}

Bus::~Bus() {
  if (connection_) connection_->abandon();
}

std::shared_ptr<Bus::Connection> Bus::connection() {
  if (connection_) return connection_;
  sd_bus* bus = nullptr;
  last_error_ = ::sd_bus_open_system(&bus);  // begins only; what follows is done by process()
  if (last_error_ < 0) return nullptr;
  auto opened = std::make_shared<Connection>(*this, bus);
  if (last_error_ = -opened->open(); last_error_ < 0) return nullptr;
  connection_ = opened;
  for (Heard& heard : heard_) opened->hear(heard);
  opened->arm();
  asio::post(loop_, connected_);
  return opened;
}

/// Somebody listens, so there has to be another one soon; who only calls makes it himself.
void Bus::lost() {
  connection_.reset();
  if (heard_.empty()) return;
  again_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  again_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && !connection()) lost();
  });
}

void Bus::listen(std::string rule, Listener listener) {
  heard_.push_back({std::move(rule), std::move(listener)});
  if (!connection_) return;
  connection_->hear(heard_.back());
  connection_->arm();
}

namespace {

struct Pending {
  explicit Pending(asio::io_context& loop) : done(loop), slot(nullptr, &::sd_bus_slot_unref) {}

  static int on_reply(sd_bus_message* reply, void* pending, sd_bus_error*) {
    auto* self = static_cast<Pending*>(pending);
    if (const sd_bus_error* error = ::sd_bus_message_get_error(reply))
      self->reply = std::unexpected(BusError{error->name, error->message ? error->message : error->name});
    else
      self->reply = Message(::sd_bus_message_ref(reply));
    self->done.cancel();
    return 0;
  }

  std::optional<Reply> reply;
  asio::steady_timer done;
  std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> slot;  // without it on_reply() is not called
};

std::unexpected<BusError> disconnected(const std::string& why) {
  return std::unexpected(BusError{kDisconnected, "the system's D-Bus cannot be reached: " + why});
}

}  // namespace

asio::awaitable<Reply> Bus::call(Method method, Arguments arguments, milliseconds limit) {
  auto through = connection();
  if (!through) co_return disconnected(words(last_error_));
  sd_bus_message* made = nullptr;
  int result = ::sd_bus_message_new_method_call(through->get(), &made, method.destination.c_str(), method.path.c_str(),
                                                method.interface.c_str(), method.member.c_str());
  Message message(made);
  if (result >= 0 && arguments) result = arguments(made);
  auto pending = std::make_unique<Pending>(loop_);
  sd_bus_slot* slot = nullptr;
  if (result >= 0)
    result = ::sd_bus_call_async(through->get(), &slot, made, &Pending::on_reply, pending.get(),
                                 static_cast<std::uint64_t>(std::chrono::microseconds(limit).count()));
  if (result < 0) co_return disconnected(words(result));
  pending->slot.reset(slot);
  pending->done.expires_after(limit);
  through->arm();
  boost::system::error_code answered;
  co_await pending->done.async_wait(asio::redirect_error(asio::use_awaitable, answered));
  if (!pending->reply) {
    std::string limit_words = std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) + " s";
    co_return std::unexpected(
        BusError{"org.freedesktop.DBus.Error.NoReply", method.destination + " did not answer within " + limit_words});
  }
  pause_ = kFirstPause;
  co_return std::move(*pending->reply);
}

}  // namespace postmultid::host
