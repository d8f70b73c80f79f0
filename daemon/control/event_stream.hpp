// Events as lines of JSON, one event a line (NDJSON), now and as they come.
#pragma once

#include <string>

#include "control/message.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

class EventStream : public Stream {
 public:
  /// Begins behind event `since`, with at most `last` of those that are past. Only of `instance`, unless that is empty.
  /// Without `follow` it ends with what has happened up to now.
  EventStream(runtime::Service& service, std::uint64_t since, std::size_t last, std::string instance, bool follow);

  boost::asio::awaitable<std::optional<std::string>> next() override;

 private:
  std::string take();

  runtime::Service& service_;
  std::uint64_t since_;
  std::size_t last_;
  std::string instance_;
  bool follow_;
};

}  // namespace postmultid::control
