// logs, events: what was said and what happened.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cctype>

#include "commands/commands.hpp"
#include "model/event.hpp"
#include "output/text.hpp"

namespace postmultid::ctl {

using nlohmann::json;

namespace {

/// A name in a URL's path or query: what is not plainly safe is written as %XX.
std::string escaped(const std::string& text) {
  std::string safe;
  for (unsigned char c : text)
    safe += std::isalnum(c) || c == '-' || c == '_' || c == '.' ? std::string(1, static_cast<char>(c))
                                                                : fmt::format("%{:02X}", c);
  return safe;
}

void print_event(const model::Event& event, bool with_name) {
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(event.at.time_since_epoch()).count() % 1000;
  fmt::print("{}.{:03}  {}{:<12} {}\n", clock(event.at), milliseconds,
             with_name ? fmt::format("{:<14} ", event.instance.empty() ? "postmultid" : event.instance) : "",
             event.what, event.to.empty() ? event.message : event.from + " -> " + event.to);
}

}  // namespace

Exit logs(const Options& options) {
  if (options.selection.names.size() != 1) return complain({Exit::usage, "of which one? pmctl logs ID"});
  auto answer =
      Client(options.socket)
          .get(fmt::format("/v1/instances/{}/log?lines={}", escaped(options.selection.names[0]), options.lines));
  if (!answer) return complain(answer.error());
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
    return Exit::ok;
  }
  for (const json& line : answer->at("lines")) fmt::print("{}\n", line.get<std::string>());
  return Exit::ok;
}

Exit events(const Options& options) {
  const auto& names = options.selection.names;
  if (names.size() > 1) return complain({Exit::usage, "of one, or of all: pmctl events [ID]"});
  std::string of = names.empty() ? "" : "&instance=" + escaped(names[0]);
  // Who started, died or is degraded is told as a fact, too, and in better words.
  if (options.format == Format::table) of += "&kind=fact,configuration,operation";
  std::string target = fmt::format("/v1/events?last={}&follow={}", options.lines, options.follow ? "yes" : "no") + of;
  Client client(options.socket);
  // A stream that is to have no end is ended by a daemon that is restarted: the next one goes on with it.
  do {
    auto done = client.stream(target, [&](const std::string& line) {
      if (line.empty()) return true;
      auto event = json::parse(line).get<model::Event>();
      target = fmt::format("/v1/events?since={}&follow=yes", event.number) + of;
      if (options.format == Format::json)
        fmt::print("{}\n", line);
      else
        print_event(event, names.empty());
      std::fflush(stdout);
      return true;
    });
    if (!done) return complain(done.error());
  } while (options.follow);
  return Exit::ok;
}

}  // namespace postmultid::ctl
