#include "output/member.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "output/text.hpp"

namespace postmultid::ctl {

using model::Desired;
using model::Health;
using model::Member;
using model::State;

namespace {

struct Mark {
  const char* utf8;
  const char* ascii;
  Tone tone;
};

Mark mark_of(const Member& member) {
  if (member.state == State::failed) return {"✗", "x", Tone::bad};
  if (member.state == State::stopped) return {"○", "o", Tone::faint};
  if (member.state != State::running) return {"!", "!", Tone::warning};
  if (member.health == Health::degraded) return {"!", "!", Tone::warning};
  return {"●", "*", Tone::good};
}

std::string mark(const Terminal& terminal, const Member& member) {
  Mark which = mark_of(member);
  return terminal.paint(which.tone, terminal.utf8 ? which.utf8 : which.ascii);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string state_word(const Member& member) {
  return member.state == State::running && member.health == Health::degraded ? "degraded"
                                                                             : model::to_word(member.state);
}

std::string listens(const Member& member) {
  if (member.state != State::running) return "-";
  return member.listeners.empty() ? "(local submission)" : joined(member.listeners);
}

std::string oldest(const Member& member) {
  return member.queue && member.queue->oldest_at ? since(*member.queue->oldest_at) : "-";
}

std::string count(const std::optional<model::QueueCounts>& queue, std::uint64_t model::QueueCounts::*which) {
  return queue ? fmt::format("{}{}", (*queue).*which, queue->truncated ? "+" : "") : "-";
}

/// What happens by itself, and when.
std::string next_of(const model::Reason& reason) {
  if (reason.next_action.empty())
    return reason.awaits.empty() ? "" : "starts by itself after " + reason.awaits + "; no other retry";
  if (!reason.next_at) return reason.next_action + "s by itself as soon as that is over";
  if (reason.next_action == "stop") return "is tried again at " + clock(*reason.next_at);
  return reason.awaits.empty()
             ? "starts by itself at " + clock(*reason.next_at)
             : "starts by itself after " + reason.awaits + ", else is tried again at " + clock(*reason.next_at);
}

std::string check_word(const model::Check& check) {
  std::string word = check.name + (!check.ok ? " -" : *check.ok ? " yes" : " NO");
  return check.ok == false && !check.detail.empty() ? word + " (" + check.detail + ")" : word;
}

void print_line(const char* label, const std::string& text) {
  if (!text.empty()) fmt::print("  {:<8} {}\n", label, text);
}

/// The label only before the first.
void print_lines(const char* label, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) fmt::print("  {:<8} {}\n", i ? "" : label, lines[i]);
}

std::vector<std::string> failure_lines(const std::vector<model::Failure>& failures) {
  std::vector<std::string> lines;
  for (const model::Failure& each : failures)
    lines.push_back(fmt::format("{} {}: {}{}", clock(each.at), each.what, each.message,
                                each.times > 1 ? fmt::format(" ({} times)", each.times) : ""));
  return lines;
}

/// The words that belong to what is shown: to the reason, else to the last failure.
const std::vector<std::string>& log_of(const Member& member) {
  static const std::vector<std::string> none;
  if (member.reason && !member.reason->log.empty()) return member.reason->log;
  return member.failures.empty() ? none : member.failures.back().log;
}

std::string exit_words(const model::LastExit& exit) {
  std::string how = exit.cause == model::ExitCause::oom ? "OOM killer"
                    : !exit.signal.empty()              ? exit.signal + (exit.core_dumped ? ", core dumped" : "")
                    : exit.status                       ? fmt::format("exit status {}", *exit.status)
                    : exit.cause == model::ExitCause::requested ? "stopped"
                                                                : "cause not known";
  return clock(exit.at) + " " + how + (exit.cause == model::ExitCause::requested ? " (asked for)" : "");
}

/// What its cgroup counts; empty where nobody does.
std::string uses(const Member& member) {
  std::vector<std::string> words;
  if (member.memory_bytes)
    words.push_back(fmt::format("{:.1f} MiB of memory", static_cast<double>(*member.memory_bytes) / (1 << 20)));
  if (member.tasks) words.push_back(fmt::format("{} tasks", *member.tasks));
  if (member.cpu_seconds) words.push_back(fmt::format("{:.1f} s of CPU", *member.cpu_seconds));
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

void print_members(const Terminal& terminal, const std::vector<Member>& members, bool wide) {
  bool groups = std::any_of(members.begin(), members.end(), [](const Member& m) { return !m.group.empty(); });
  std::vector<Column> columns{{"MEMBER"}};
  if (groups) columns.push_back({"GROUP"});
  for (const Column& column : std::vector<Column>{
           {"STATE"}, {"SINCE", true}, {"RESTARTS", true}, {"ACTIVE", true}, {"DEFERRED", true}, {"OLDEST", true}})
    columns.push_back(column);
  if (wide)
    for (const Column& column : std::vector<Column>{{"PID", true}, {"WANTED"}, {"ENABLED"}, {"PROC", true}, {"CONFIG"}})
      columns.push_back(column);
  columns.push_back({"LISTENS"});

  std::vector<std::vector<std::string>> rows;
  for (const Member& m : members) {
    std::vector<std::string> row{m.id.text};
    if (groups) row.push_back(m.group.empty() ? "-" : m.group);
    for (std::string& cell : std::vector<std::string>{
             state_word(m), since(m.state_changed_at), fmt::format("{}", m.restarts),
             count(m.queue, &model::QueueCounts::active), count(m.queue, &model::QueueCounts::deferred), oldest(m)})
      row.push_back(std::move(cell));
    if (wide)
      for (std::string& cell :
           std::vector<std::string>{m.pid ? fmt::format("{}", *m.pid) : "-", model::to_word(m.desired),
                                    !m.enabled   ? "?"
                                    : *m.enabled ? "yes"
                                                 : "no",
                                    m.processes ? fmt::format("{}", *m.processes) : "-", m.config_directory})
        row.push_back(std::move(cell));
    row.push_back(listens(m));
    rows.push_back(std::move(row));
  }
  auto lines = lay_out(columns, rows);
  fmt::print("  {}\n", lines[0]);
  for (std::size_t i = 0; i < members.size(); ++i) {
    fmt::print("{} {}\n", mark(terminal, members[i]), lines[i + 1]);
    for (const model::Check& check : members[i].checks)
      if (check.ok == false && members[i].state == State::running)
        fmt::print("    {} is not well: {}\n", check.name, check.detail);
    if (members[i].restart_required) fmt::print("    needs a restart: pmctl restart {}\n", members[i].id.text);
    if (members[i].drift == true) fmt::print("    differs from the definition: {}\n", members[i].drift_detail);
    for (const std::string& table : members[i].stale_tables)
      fmt::print("    a table is older than its source: postmap {}\n", table);
    const auto& reason = members[i].reason;
    if (!reason) continue;
    fmt::print("    {}\n", reason->message);
    if (std::string next = next_of(*reason); !next.empty()) fmt::print("    next: {}\n", next);
    if (!reason->hint.empty()) fmt::print("    do:   {}\n", reason->hint);
  }
}

void print_member(const Terminal& terminal, const model::Status& status, const Member& member) {
  std::string place;
  for (const model::Group& group : status.groups)
    if (auto at = std::find(group.members.begin(), group.members.end(), member.id); at != group.members.end())
      place = fmt::format(", group {} {} of {}", group.name, at - group.members.begin() + 1, group.members.size());
  fmt::print("{} {}   {} for {}   (wanted: {}, {}{})\n", mark(terminal, member), member.id.text, state_word(member),
             since(member.state_changed_at), model::to_word(member.desired),
             !member.enabled   ? "enabled?"
             : *member.enabled ? "enabled"
                               : "not enabled",
             place);
  if (member.reason) {
    print_line("why", member.reason->message);
    print_line("next", next_of(*member.reason));
    print_line("effect", member.reason->effect);
    print_line("do", member.reason->hint);
    if (!member.reason->last_good.empty()) {
      print_line("changed", fmt::format("since it last ran well: diff -ru {} {}", member.reason->last_good,
                                        member.config_directory));
      print_line("back", fmt::format("pmctl rollback {}", member.id.text));
    }
  }
  std::string checks;
  for (const model::Check& check : member.checks) checks += (checks.empty() ? "" : "   ") + check_word(check);
  print_line("checks", checks);
  if (member.proof)
    print_line("proof",
               fmt::format("pid {} runs {}, {} {}, {}", member.proof->pid, member.proof->executable,
                           member.kind == model::Kind::companion ? "known by" : "holds", member.proof->lock_file,
                           member.proof->adopted ? "was running already" : "started by postmultid"));
  if (member.drift == true) print_line("drift", member.drift_detail + "; pmctl apply --dry-run shows it");
  for (const std::string& table : member.stale_tables)
    print_line("table", table + " is older than its source: postmap " + table);
  if (member.restart_required)
    print_line("restart",
               "needed: what only a start takes up has changed since it was started, or its programs were replaced");
  if (member.state == State::running && member.started_at)
    print_line("uptime", fmt::format("{}, since {}; {} restarts by itself", since(*member.started_at),
                                     clock(*member.started_at), member.restarts));
  if (member.state == State::running) print_line("listens", listens(member));
  print_line("uses", uses(member));
  if (member.queue)
    print_line("queue", fmt::format("active {}, deferred {}, incoming {}, hold {}, maildrop {}, corrupt {}; oldest {}",
                                    member.queue->active, member.queue->deferred, member.queue->incoming,
                                    member.queue->hold, member.queue->maildrop, member.queue->corrupt, oldest(member)));
  if (member.survivors)
    print_line("earlier", fmt::format("{} processes of an earlier master finish what they are at; at {} they are ended",
                                      member.survivors->count, clock(member.survivors->ended_at)));
  if (member.last_exit) print_line("exit", exit_words(*member.last_exit));
  print_lines("before", failure_lines(member.failures));
  print_lines("log", log_of(member));
  print_line("config", member.config_directory);
}

}  // namespace postmultid::ctl
