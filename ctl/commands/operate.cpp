// start, stop, reload and the like: asks, waits, and reports each member as it is done.
#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <set>
#include <utility>

#include "commands/commands.hpp"
#include "output/terminal.hpp"

namespace postmultid::ctl {

using model::Action;
using model::Operation;
using model::OperationState;
using model::Outcome;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Between two looks at an operation under way; its end is seen at once.
constexpr milliseconds kSlice{1000};

// The daemon's own limit for a drain whose deadline is not said, and what the end of those that it cuts may take.
constexpr std::chrono::minutes kDrainLimit{10}, kCutLimit{2};

/// How long to wait where nobody says it. A drain is waited for to its deadline and beyond.
milliseconds patience(const Options& options, Action action) {
  if (options.timeout) return *options.timeout;
  if (action != Action::drain) return kWaitLimit;
  return options.how.deadline.value_or(kDrainLimit) + kCutLimit;
}

std::string done_word(Action action) {
  switch (action) {
    case Action::start: return "started";
    case Action::stop: return "stopped";
    case Action::restart: return "restarted";
    case Action::reload: return "reloaded";
    case Action::flush: return "flushed";
    case Action::abort: return "aborted";
    case Action::drain: return "drained";
    case Action::check: return "ok";
    case Action::enable: return "enabled";
    case Action::disable: return "disabled";
    case Action::reset_failed: return "reset";
  }
  return "done";
}

std::string word_of(Action action, Outcome outcome) {
  return outcome == Outcome::done ? done_word(action) : model::to_word(outcome);
}

std::string already(Action action) {
  return action == Action::stop || action == Action::abort || action == Action::drain ? "was not running"
                                                                                      : "was running already";
}

Tone tone_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return Tone::good;
    case Outcome::failed:
    case Outcome::refused: return Tone::bad;
    default: return Tone::plain;
  }
}

/// Prints the members that have ended since the last call.
class Reporter {
 public:
  void report(const Operation& operation) {
    clear();
    for (const auto& member : operation.members) {
      if (member.outcome == Outcome::pending || !said_.insert(member.id).second) continue;
      bool plain = member.outcome == Outcome::unchanged && member.message.empty();
      std::string message = plain ? already(operation.action) : member.message;
      std::string word = fmt::format("{:<11}", word_of(operation.action, member.outcome));
      fmt::print("{}{}{}{}\n", terminal_.paint(tone_of(member.outcome), word), member.id.text,
                 message.empty() ? "" : "  ", message);
      if (member.outcome != Outcome::refused || member.steps.empty())
        continue;  // refused before anything was looked at
      if (operation.action == Action::restart)
        fmt::print("          Nothing was stopped: {} goes on as it was.\n", member.id.text);
      if (operation.action == Action::reload)
        fmt::print("          No signal was sent: {} goes on as it was.\n", member.id.text);
    }
    std::fflush(stdout);
  }

  /// On a terminal: what is waited for just now, until the next word.
  void wait_for(const std::string& what) {
    if (!terminal_.live || what.empty()) return;
    // One line of it: what wraps cannot be taken back.
    fmt::print("{}", terminal_.paint(Tone::faint, what.substr(0, kNarrow)));
    std::fflush(stdout);
    waiting_ = true;
  }

  void clear() {
    if (std::exchange(waiting_, false)) fmt::print("\r\x1b[K");
    std::fflush(stdout);
  }

 private:
  static constexpr std::size_t kNarrow = 79;
  bool waiting_ = false;
  Terminal terminal_ = Terminal::of_standard_output();
  std::set<model::MemberId> said_;
};

Exit exit_of(const Operation& operation) {
  Exit exit = Exit::ok;
  for (const auto& member : operation.members) {
    if (member.outcome == Outcome::failed || member.outcome == Outcome::superseded ||
        member.outcome == Outcome::cancelled)
      return Exit::failed;
    if (member.outcome == Outcome::refused) exit = Exit::refused;
  }
  return exit;
}

std::string pending_in(const Operation& operation) {
  std::string names;
  for (const auto& member : operation.members) {
    if (member.outcome != Outcome::pending) continue;
    // A drain's message is what the member waits for.
    std::string why = member.waiting_for.empty() ? member.message : "waits for " + member.waiting_for;
    names += (names.empty() ? "" : ", ") + member.id.text + (why.empty() ? "" : " (" + why + ")");
  }
  return names;
}

/// The operation that this process has begun after that moment, if the daemon has heard of it.
Result<std::optional<json>> begun_by_us(Client& client, Action action, model::WallTime since) {
  auto answer = client.get("/v1/operations");
  if (!answer) return std::unexpected(answer.error());
  for (const json& each : *answer) {
    auto operation = each.get<Operation>();
    bool ours = operation.requested_by && operation.requested_by->pid == ::getpid() && operation.action == action;
    if (ours && operation.created_at >= since) return each;
  }
  return std::nullopt;
}

}  // namespace

Exit operate(const Options& options, Action action) {
  if (!options.selects()) return complain({Exit::usage, "which? Name instances, or say -g GROUP or -a (all)"});
  Client client(options.socket);
  auto start = steady_clock::now();
  if (options.timeout) client.end_at(start + *options.timeout);
  // The daemon tells times to the millisecond.
  auto since = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  json wanted{{"action", action}, {"select", options.selection}, {"options", options.how}};
  if (options.dry_run) return show_dry_run(options, client, std::move(wanted));
  auto begun = client.post("/v1/operations", wanted, [&] { return begun_by_us(client, action, since); });
  if (!begun) return complain(begun.error());
  return follow(options, client, std::move(*begun), start);
}

Exit follow(const Options& options, Client& client, json document, steady_clock::time_point since) {
  Reporter reporter;
  auto operation = document.get<Operation>();
  for (auto end = since + patience(options, operation.action);
       options.wait && operation.state == OperationState::running;) {
    auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (left <= milliseconds(0)) {
      reporter.clear();
      return complain({Exit::timed_out, fmt::format("still under way: {}\nIt goes on; see  pmctl op show {}",
                                                    pending_in(operation), operation.id.text())});
    }
    auto slice = std::min(left, kSlice);
    auto next = client.get(fmt::format("/v1/operations/{}?wait={}ms", operation.id.text(), slice.count()), slice);
    if (!next) return complain(next.error());
    document = *next;
    operation = document.get<Operation>();
    if (options.format == Format::json) continue;
    reporter.report(operation);
    if (operation.state == OperationState::running) reporter.wait_for(pending_in(operation));
  }
  if (options.format == Format::json)
    fmt::print("{}\n", document.dump(2));
  else if (options.wait)
    reporter.report(operation);
  else
    fmt::print("{}\n", operation.id.text());
  return exit_of(operation);
}

}  // namespace postmultid::ctl
