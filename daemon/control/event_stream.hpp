// Events as they come, as text/event-stream or as lines of JSON.
//
// Nothing is queued for a client: it reads from the ring, by number, one piece at a time, and the next piece is made when
// it has taken the last. Who is slow falls behind, and finds a gap where the ring has gone on without him; who takes
// nothing for as long as an answer may take is dropped by the server. Neither is waited for by anybody else.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "control/message.hpp"
#include "model/error.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

/// What somebody wants to be told.
struct EventsWanted {
  std::optional<std::uint64_t> since;  // only what has a higher number; nothing: all that is known
  std::optional<std::uint64_t> last;   // of what is past at most so many
  std::string instance;                // only hers, and gaps; empty: everybody's
  std::set<model::EventKind> kinds;    // only these, and gaps; empty: all
  bool follow = true;                  // false: it ends with what is past
  bool server_sent = false;            // text/event-stream; else NDJSON
};

/// From the query, Accept and Last-Event-ID. The instance is as it was typed.
model::Result<EventsWanted> events_wanted(const Request& request);

class EventStream : public Stream {
 public:
  EventStream(runtime::Service& service, EventsWanted wanted);

  boost::asio::awaitable<std::optional<std::string>> next() override;

 private:
  void begin_with_last(std::uint64_t count);
  bool concerns(const model::Event& event) const;
  std::string take();
  std::string text_of(const model::Event& event) const;
  std::string gap_before(std::uint64_t number) const;

  runtime::Service& service_;
  EventsWanted wanted_;
  std::optional<std::uint64_t> told_;  // the number of the last one; nothing: whatever comes first is no gap
};

}  // namespace postmultid::control
