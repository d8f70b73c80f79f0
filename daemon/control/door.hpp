// A way in, the control socket or the loopback listener: what all who come by it share, and how much of it each may have.
// For the event loop only; outlives its connections.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>

#include "control/allowance.hpp"
#include "control/audit.hpp"
#include "control/desk.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

/// Requests that are not answered yet, by whatever door. A new connection counts as one.
struct Traffic {
  unsigned under_way = 0;
  bool finishing = false;
  asio::steady_timer nobody_waits;
};

class Underway {
 public:
  explicit Underway(Traffic& traffic) : traffic_(traffic) { ++traffic_.under_way; }
  ~Underway() {
    if (--traffic_.under_way == 0) traffic_.nobody_waits.cancel();
  }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;

 private:
  Traffic& traffic_;
};

/// Connections between two requests, the longest idle first.
class Idle {
 public:
  using Close = std::function<void()>;

  class Stay {
   public:
    Stay(Idle& of, Close close) : of_(of), at_(of.all_.insert(of.all_.end(), std::move(close))) {}
    ~Stay() { of_.all_.erase(at_); }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    Idle& of_;
    std::list<Close>::iterator at_;
  };

  /// False: nobody is idle.
  bool close_longest() {
    if (all_.empty()) return false;
    all_.front()();
    all_.splice(all_.end(), all_, all_.begin());  // it leaves by itself in a moment
    return true;
  }
  void close_all() {
    for (const Close& close : all_) close();
  }

 private:
  std::list<Close> all_;
};

/// Of each what may be had at a time.
struct DoorLimits {
  Allowance::Limits connections, requests, subscribers;
  Allowance::Limits body_bytes;  // of requests that are being read or carried out
};

struct Door {
  runtime::Service& service;
  Audit& audit;
  Traffic& traffic;
  Desk& desk;
  /// Nothing: the control socket. Else, who asks is not known, so little is told, and only to who knows it by these names
  /// (DNS rebinding: a web page's own name can be made to lead here).
  std::optional<definitions::Endpoint> loopback;
  Allowance connections, requests, subscribers, body_bytes;
  Idle idle;

  Door(runtime::Service& of, Audit& by, Traffic& counted, Desk& at, const DoorLimits& limits)
      : service(of),
        audit(by),
        traffic(counted),
        desk(at),
        connections(limits.connections),
        requests(limits.requests),
        subscribers(limits.subscribers),
        body_bytes(limits.body_bytes) {}
};

}  // namespace postmultid::control
