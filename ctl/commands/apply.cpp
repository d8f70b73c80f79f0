// apply, rollback: Postfix's files as the definition says, or as they were.
#include <fmt/format.h>

#include <algorithm>

#include "commands/commands.hpp"
#include "model/plan.hpp"
#include "output/terminal.hpp"

namespace postmultid::ctl {

using model::Application;
using model::MemberPlan;
using model::Plan;
using nlohmann::json;

namespace {

// Each member may need its start_timeout.
constexpr std::chrono::minutes kLongest{60};
// A plan runs postconf some times for each instance.
constexpr std::chrono::minutes kPlanLimit{10};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + (word == "restart" ? "RESTART" : word);
  return text;
}

void print_change(const Terminal& terminal, const model::FileChange& change) {
  std::string name = change.file;
  for (const std::string& line : change.lines) {
    Tone tone = line.starts_with('+') ? Tone::good : line.starts_with('-') ? Tone::bad : Tone::plain;
    fmt::print("  {:<12} {}\n", name, terminal.paint(tone, line));
    name.clear();
  }
  std::string rest;
  auto add = [&](const std::string& text) { rest += (rest.empty() ? "" : "; ") + text; };
  if (change.left_out) add(std::to_string(*change.left_out) + " lines more");
  if (change.unchanged) add(std::to_string(*change.unchanged) + " lines unchanged");
  if (!change.note.empty()) add(change.note);
  if (!rest.empty()) fmt::print("  {:<12} ({})\n", name, rest);
}

void print_member(const Terminal& terminal, const MemberPlan& member) {
  std::string steps = joined(member.steps);
  bool interrupts = member.has("restart");
  fmt::print("{:<14} {:<42} {}\n", member.id.text, steps,
             interrupts ? terminal.paint(Tone::warning, member.interruption) : member.interruption);
  for (const auto& change : member.changes) print_change(terminal, change);
  for (const std::string& warning : member.warnings)
    fmt::print("  {:<12} {}\n", "warning", terminal.paint(Tone::warning, warning));
}

/// "1 create, 2 edit; 1 reload, 1 RESTART".
std::string counted(const Plan& plan) {
  std::string text;
  for (const char* step :
       {"create", "import", "assign", "edit", "postmap", "enable", "disable", "reload", "restart", "start"}) {
    auto count = std::ranges::count_if(plan.members, [&](const MemberPlan& each) { return each.has(step); });
    if (count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, joined({step}));
  }
  return text.empty() ? "order" : text;
}

void print_plan(const Plan& plan, const std::string& next) {
  Terminal terminal = Terminal::of_standard_output();
  for (const std::string& warning : plan.warnings) fmt::print("warning  {}\n", warning);
  for (const MemberPlan& member : plan.members) print_member(terminal, member);
  for (const std::string& line : plan.primary)
    fmt::print("{:<14} {}\n", &line == &plan.primary.front() ? "primary" : "", line);
  if (!plan.order.empty()) fmt::print("order          multi_instance_directories = {}\n", plan.order);
  std::vector<std::string> unchanged;
  for (const auto& id : plan.unchanged) unchanged.push_back(id.text);
  if (plan.id.empty()) {
    fmt::print("Nothing to do; as declared: {}\n", unchanged.empty() ? "nobody" : joined(unchanged));
    return;
  }
  fmt::print("Plan {}: {}; unchanged: {}\n", plan.id, counted(plan), unchanged.empty() ? "nobody" : joined(unchanged));
  if (!next.empty())
    fmt::print("Next: {}{}      (refused should the host change before)\n", next,
               plan.needs_restart() ? " --allow-restart" : "");
}

Exit show(const Options& options, const Result<json>& answer, const std::string& next) {
  if (!answer) return complain(answer.error());
  auto plan = answer->get<Plan>();
  if (options.format == Format::json)
    fmt::print("{}\n", answer->dump(2));
  else
    print_plan(plan, next);
  return plan.id.empty() ? Exit::ok : Exit::failed;
}

Exit report(const Options& options, const Result<json>& answer) {
  if (!answer) return complain(answer.error());
  auto done = answer->get<Application>();
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
  } else {
    for (const auto& member : done.members)
      fmt::print("{:<9}  {:<14} {}\n", member.result, member.id.text, member.message);
    if (!done.order.empty()) fmt::print("{:<9}  multi_instance_directories = {}\n", "ordered", done.order);
    if (done.members.empty() && done.order.empty()) fmt::print("Nothing to do\n");
  }
  return done.succeeded() ? Exit::ok : Exit::failed;
}

}  // namespace

Exit apply(const Options& options) {
  if (options.plan && options.plan->empty())
    return complain({Exit::usage, "which plan? its id is in the last lines of pmctl apply --dry-run"});
  Client client(options.socket);
  if (options.dry_run)
    return show(options, client.post("/v1/definitions/plan", json::object(), {}, kPlanLimit), "pmctl apply");
  json wanted{{"allow_restart", options.allow_restart}};
  if (options.plan) wanted["plan"] = *options.plan;
  return report(options, client.post("/v1/definitions/apply", wanted, {}, kLongest));
}

Exit roll_back(const Options& options) {
  const auto& names = options.selection.names;
  if (names.size() != 1) return complain({Exit::usage, "whose files? pmctl rollback ID"});
  json wanted{{"instance", names[0]}, {"allow_restart", options.allow_restart}};
  if (!options.version.empty()) wanted["version"] = options.version;
  Client client(options.socket);
  if (!options.dry_run) return report(options, client.post("/v1/definitions/rollback", wanted, {}, kLongest));
  wanted["dry_run"] = true;
  std::string next = "pmctl rollback " + names[0] + (options.version.empty() ? "" : " --to " + options.version);
  return show(options, client.post("/v1/definitions/rollback", wanted, {}, kPlanLimit), next);
}

}  // namespace postmultid::ctl
