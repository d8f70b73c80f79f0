#include "control/event_stream.hpp"

#include <algorithm>
#include <utility>

namespace postmultid::control {

namespace {

constexpr std::chrono::seconds kHeartbeat{15};

}  // namespace

EventStream::EventStream(runtime::Service& service, std::uint64_t since, std::size_t last, std::string instance,
                         bool follow)
    : service_(service), since_(since), last_(last), instance_(std::move(instance)), follow_(follow) {}

/// The lines of what has happened since the last call.
std::string EventStream::take() {
  auto events = service_.events_after(since_);
  std::size_t most = std::exchange(last_, static_cast<std::size_t>(-1));  // the limit is about the past only
  if (events.empty()) return "";
  since_ = events.back().number;
  std::erase_if(events, [&](const model::Event& event) { return !instance_.empty() && event.instance != instance_; });
  std::size_t skip = events.size() > most ? events.size() - most : 0;
  std::string lines;
  for (std::size_t i = skip; i < events.size(); ++i) lines += to_text(events[i]);
  return lines;
}

boost::asio::awaitable<std::optional<std::string>> EventStream::next() {
  auto give_up = std::chrono::steady_clock::now() + kHeartbeat;
  for (;;) {
    std::string lines = take();
    if (!lines.empty()) co_return lines;
    if (!follow_) co_return std::nullopt;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    // An empty line says nothing, but it can be written only to somebody who is there.
    if (left <= std::chrono::milliseconds(0)) co_return "\n";
    co_await service_.changed(left);
  }
}

}  // namespace postmultid::control
