// Who has changed something, or was denied it: a line in the log each, with fields of its own where that is the journal
// (POSTMULTID_OUTCOME=, _ROUTE=, _UID=, _USER=, _PID=, _COMM=).
//
// A user's name may have to be asked for, and the journal may be slow: a thread of its own does that, and what it cannot
// keep up with is counted. The same denial again and again is told once a minute.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "host/peer.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

class Audit {
 public:
  struct Entry {
    host::Peer peer;
    std::string user;     // as far as it is known
    std::string route;    // "POST /v1/operations": a route's own words, nothing of the client's
    std::string outcome;  // accepted, refused, denied
    std::string detail;   // what exactly; may contain anything
  };

  void changed(Entry entry) { write(std::move(entry)); }
  void denied(Entry entry);

  /// Whether all is written.
  bool idle() const { return *waiting_ == 0; }

 private:
  struct Told {
    std::chrono::steady_clock::time_point at;
    std::uint64_t since = 0;
  };

  void write(Entry entry);

  asio::thread_pool thread_{1};
  std::shared_ptr<std::atomic<unsigned>> waiting_ = std::make_shared<std::atomic<unsigned>>(0);
  unsigned lost_ = 0;
  std::map<std::pair<uid_t, std::string>, Told> denials_;
};

}  // namespace postmultid::control
