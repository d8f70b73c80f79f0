// The system's D-Bus on the event loop, by libsystemd (sd-bus(3)). It is connected to when it is first needed, and again
// when it went away; a call that meets with that fails, and says so. Nothing here blocks.
#pragma once

#include <systemd/sd-bus.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace postmultid::host {

namespace asio = boost::asio;

/// One reference to a message of sd-bus.
class Message {
 public:
  Message() = default;
  /// Takes the reference over.
  explicit Message(sd_bus_message* message) : message_(message, &::sd_bus_message_unref) {}

  sd_bus_message* get() const { return message_.get(); }

 private:
  std::shared_ptr<sd_bus_message> message_;
};

struct BusError {
  std::string name;  // "org.freedesktop.systemd1.NoSuchUnit"
  std::string message;

  /// The bus, or whoever was asked, was not there, or did not answer in time: it may be asked again.
  bool gone() const;
};

using Reply = std::expected<Message, BusError>;

/// Where a call goes.
struct Method {
  std::string destination, path, interface, member;
};

class Bus {
 public:
  /// Puts the arguments into a call; negative: what sd_bus_message_append() said.
  using Arguments = std::function<int(sd_bus_message* call)>;
  /// Reads a signal.
  using Listener = std::function<void(sd_bus_message* signal)>;

  /// `connected` is called whenever a connection was made anew: what was heard before may have missed something.
  Bus(asio::io_context& loop, std::function<void()> connected);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// The answer, or why there is none within the limit.
  asio::awaitable<Reply> call(Method method, Arguments arguments, std::chrono::milliseconds limit);

  /// Hears each signal that fits the match rule (D-Bus specification, "Match Rules"), for as long as the bus exists and
  /// over all its connections.
  void listen(std::string rule, Listener listener);

 private:
  class Connection;

  struct Heard {
    std::string rule;
    Listener listener;
  };

  /// The connection as it is, or a new one; null: there is no bus now.
  std::shared_ptr<Connection> connection();
  void lost();

  asio::io_context& loop_;
  std::function<void()> connected_;
  std::list<Heard> heard_;  // sd-bus knows their addresses
  std::shared_ptr<Connection> connection_;
  int last_error_ = 0;
  asio::steady_timer again_;
  std::chrono::milliseconds pause_;
};

}  // namespace postmultid::host
