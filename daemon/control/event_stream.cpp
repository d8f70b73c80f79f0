#include "control/event_stream.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <sstream>

namespace postmultid::control {

using model::Event;
using model::EventKind;
using model::Result;

namespace {

constexpr std::chrono::seconds kHeartbeat{15};
// All that ever waits for one client.
constexpr std::size_t kMostAtOnce = 256, kMostBytes = 64 * 1024;
constexpr std::size_t kAll = static_cast<std::size_t>(-1);

Result<std::uint64_t> number_in(const std::string& text, const std::string& where) {
  std::uint64_t number = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size())
    return model::failure(where + "=" + text + " is not a number");
  return number;
}

Result<std::set<EventKind>> kinds_in(const std::string& text) {
  std::set<EventKind> kinds;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    // An unknown word becomes the enumeration's first value: compare its spelling.
    auto kind = nlohmann::json(word).get<EventKind>();
    if (model::to_word(kind) != word)
      return model::failure("kind=" + word + " is not one of fact, state, health, operation, configuration");
    kinds.insert(kind);
  }
  return kinds;
}

}  // namespace

Result<EventsWanted> events_wanted(const Request& request) {
  EventsWanted wanted;
  auto header = [&](const char* name) {
    auto found = request.headers.find(name);
    return found == request.headers.end() ? "" : found->second;
  };
  wanted.server_sent = header("accept").find("text/event-stream") != std::string::npos;
  // A browser repeats the query when it comes back, and says by the header how far it had come.
  std::map<std::string, std::string> query = request.query;
  if (std::string last = header("last-event-id"); !last.empty()) query["since"] = last;
  for (auto [key, value] : {std::pair("since", &wanted.since), std::pair("last", &wanted.last)}) {
    if (!query.contains(key)) continue;
    auto number = number_in(query[key], key);
    if (!number) return std::unexpected(number.error());
    *value = *number;
  }
  if (query.contains("kind")) {
    auto kinds = kinds_in(query["kind"]);
    if (!kinds) return std::unexpected(kinds.error());
    wanted.kinds = std::move(*kinds);
  }
  std::string follow = query.contains("follow") ? query["follow"] : "yes";
  if (follow != "yes" && follow != "no") return model::failure("follow=" + follow + " is not yes or no");
  wanted.follow = follow == "yes";
  wanted.instance = query["instance"];
  return wanted;
}

EventStream::EventStream(runtime::Service& service, EventsWanted wanted)
    : service_(service), wanted_(std::move(wanted)), told_(wanted_.since) {
  if (wanted_.last) begin_with_last(*wanted_.last);
}

bool EventStream::concerns(const Event& event) const {
  return (wanted_.instance.empty() || event.instance == wanted_.instance) &&
         (wanted_.kinds.empty() || wanted_.kinds.contains(event.kind));
}

/// What is before these is left out, which is no gap.
void EventStream::begin_with_last(std::uint64_t count) {
  std::deque<std::uint64_t> numbers;
  for (const Event& event : service_.events_after(told_.value_or(0), kAll)) {
    if (!concerns(event)) continue;
    numbers.push_back(event.number);
    if (numbers.size() > count) numbers.pop_front();
  }
  if (count == 0)
    told_ = service_.newest_event();
  else if (numbers.size() == count)
    told_ = numbers.front() - 1;
}

std::string EventStream::text_of(const Event& event) const {
  std::string line = to_text(event);
  if (!wanted_.server_sent) return line;
  return "id: " + std::to_string(event.number) + "\nevent: " + model::to_word(event.kind) + "\ndata: " + line + "\n";
}

/// With the number of the last that is missing: who begins behind that misses no more.
std::string EventStream::gap_before(std::uint64_t number) const {
  Event gap{.number = number - 1, .at = std::chrono::system_clock::now(), .what = "gap", .kind = EventKind::gap};
  gap.message = "events " + std::to_string(*told_ + 1) + " to " + std::to_string(number - 1) +
                " are not known: too long ago, or never told by a daemon that died";
  return text_of(gap);
}

/// What has happened since the last call, or a part of it.
std::string EventStream::take() {
  std::string text;
  // A number that none has reached is of another numbering: of a daemon that has left nothing.
  if (told_ && *told_ > service_.newest_event()) {
    Event gap{.number = 0, .at = std::chrono::system_clock::now(), .what = "gap", .kind = EventKind::gap};
    gap.message = "there was no event " + std::to_string(*told_) + " yet: the numbers have begun anew";
    text = text_of(gap);
    told_.reset();
  }
  while (text.size() < kMostBytes) {
    auto events = service_.events_after(told_.value_or(0), kMostAtOnce);
    if (events.empty()) break;
    for (const Event& event : events) {
      if (text.size() >= kMostBytes) break;
      if (told_ && event.number != *told_ + 1) text += gap_before(event.number);
      told_ = event.number;
      if (concerns(event)) text += text_of(event);
    }
  }
  return text;
}

boost::asio::awaitable<std::optional<std::string>> EventStream::next() {
  auto give_up = std::chrono::steady_clock::now() + kHeartbeat;
  for (;;) {
    std::string text = take();
    if (!text.empty()) co_return text;
    if (!wanted_.follow) co_return std::nullopt;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    // It says nothing, but it can be written only to somebody who is there.
    if (left <= std::chrono::milliseconds(0)) co_return wanted_.server_sent ? ":\n\n" : "\n";
    co_await service_.changed(left);
  }
}

}  // namespace postmultid::control
