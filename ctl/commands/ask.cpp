// is-active, is-failed, is-enabled, wait: questions whose answer is the exit status.
#include <fmt/format.h>

#include <algorithm>

#include "commands/commands.hpp"

namespace postmultid::ctl {

using model::Member;
using model::State;
using std::chrono::steady_clock;

namespace {

/// One word for each member that is meant; the status says whether it holds of all of them.
template <typename Word, typename Holds>
Exit ask(const Options& options, Word word, Holds holds, Exit no) {
  auto known = fetch(options);
  if (!known) return complain(known.error());
  for (const Member& member : known->chosen)
    if (!options.quiet) fmt::print("{}\n", word(member));
  return std::all_of(known->chosen.begin(), known->chosen.end(), holds) ? Exit::ok : no;
}

std::string state_word(const Member& member) { return model::to_word(member.state); }

bool is_in(const Member& member, const std::string& state) {
  return model::to_word(member.state) == state || (state == "running" && model::is_up(member.state));
}

}  // namespace

Exit is_active(const Options& options) {
  return ask(
      options, state_word, [](const Member& member) { return model::is_up(member.state); }, Exit::not_running);
}

Exit is_failed(const Options& options) {
  return ask(
      options, state_word, [](const Member& member) { return member.state == State::failed; }, Exit::failed);
}

Exit is_enabled(const Options& options) {
  auto word = [](const Member& member) {
    return std::string(!member.enabled ? "unknown" : *member.enabled ? "enabled" : "disabled");
  };
  return ask(
      options, word, [](const Member& member) { return member.enabled == true; }, Exit::failed);
}

Exit wait_for(const Options& options) {
  auto end = steady_clock::now() + options.timeout.value_or(kWaitLimit);
  Client client(options.socket);
  client.end_at(end);
  Result<Known> known = std::unexpected(Trouble{});
  std::string missing;
  auto holds = [&] {
    missing.clear();
    for (const Member& member : known->chosen)
      if (!is_in(member, options.state))
        missing += (missing.empty() ? "" : ", ") + member.id.text + " (" + state_word(member) + ")";
    return missing.empty();
  };
  // A change of state is an event; the look that each makes is the newer of the two.
  auto look_again = [&](const std::string&) {
    known = fetch(options, client);
    return known && !holds();
  };
  // A stream may be ended before its time, as by a daemon that is restarted.
  do {
    auto watched = client.stream("/v1/events?last=0", look_again, end);
    if (!watched) return complain(watched.error());
    if (!known) return complain(known.error());
  } while (!missing.empty() && steady_clock::now() < end);
  return missing.empty() ? Exit::ok : complain({Exit::timed_out, "not " + options.state + ": " + missing});
}

}  // namespace postmultid::ctl
