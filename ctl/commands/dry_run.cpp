// --dry-run: what an operation would do, step by step, as the daemon has played it.
#include <fmt/format.h>

#include "commands/commands.hpp"

namespace postmultid::ctl {

using model::DryRun;
using model::Outcome;
using nlohmann::json;

namespace {

/// Each member's steps as long as nobody else takes one, a line each.
void print_steps(const DryRun& dry_run) {
  for (auto step = dry_run.steps.begin(); step != dry_run.steps.end();) {
    const model::MemberId& id = step->id;
    std::string names;
    for (; step != dry_run.steps.end() && step->id == id; ++step) names += (names.empty() ? "" : ", ") + step->name;
    fmt::print("{:<14} {}\n", id.text, names);
  }
}

void print_others(const DryRun& dry_run) {
  for (const auto& member : dry_run.members) {
    if (member.outcome == Outcome::done) continue;
    std::string why = member.outcome == Outcome::pending ? "would wait" : "would be " + model::to_word(member.outcome);
    fmt::print("{:<14} {}{}\n", member.id.text, why, member.message.empty() ? "" : ": " + member.message);
  }
}

}  // namespace

Exit show_dry_run(const Options& options, Client& client, json wanted) {
  wanted["dry_run"] = true;
  auto answer = client.post("/v1/operations", wanted);
  if (!answer) return complain(answer.error());
  auto dry_run = answer->get<DryRun>();
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
  } else {
    fmt::print("Nothing is done. If all goes well, this would be, in this order:\n");
    print_steps(dry_run);
    if (!dry_run.complete) fmt::print("… and more\n");
    print_others(dry_run);
  }
  Exit exit = Exit::ok;
  for (const auto& member : dry_run.members) {
    if (member.outcome == Outcome::failed || member.outcome == Outcome::pending) return Exit::failed;
    if (member.outcome == Outcome::refused) exit = Exit::refused;
  }
  return exit;
}

}  // namespace postmultid::ctl
