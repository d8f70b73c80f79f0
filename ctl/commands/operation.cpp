// op list, show, wait, cancel: the operations that somebody began.
#include <fmt/format.h>

#include <algorithm>

#include "commands/commands.hpp"
#include "output/text.hpp"

namespace postmultid::ctl {

using model::Operation;
using model::OperationState;
using nlohmann::json;

namespace {

std::string state_word(const Operation& operation) {
  if (operation.state == OperationState::running) return "running";
  return operation.succeeded() ? "succeeded" : "failed";
}

std::string members_of(const Operation& operation) {
  std::string text;
  for (const auto& member : operation.members) text += (text.empty() ? "" : " ") + member.id.text;
  return text;
}

std::string target_of(const Options& options) { return "/v1/operations/" + options.operation; }

std::string asked_by(const Operation& operation) {
  const auto& by = operation.requested_by;
  if (!by) return "postmultid";
  return fmt::format("{} (pid {})", by->name.empty() ? "uid " + std::to_string(by->uid) : by->name, by->pid);
}

std::string took(const Operation& operation) {
  if (!operation.finished_at) return operation.progress;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*operation.finished_at - operation.created_at);
  return "took " + std::to_string(ms.count()) + " ms";
}

void print_operation(const Operation& operation) {
  fmt::print("{} {}   {}   asked by {} at {}   {}\n", operation.id.text(), model::to_word(operation.action),
             state_word(operation), asked_by(operation), clock(operation.created_at), took(operation));
  for (const auto& member : operation.members) {
    fmt::print("  {:<14} {:<10} {}\n", member.id.text, model::to_word(member.outcome),
               member.waiting_for.empty() ? member.message : "waits for " + member.waiting_for);
    for (const auto& step : member.steps) {
      auto after = std::chrono::duration_cast<std::chrono::milliseconds>(step.at - operation.created_at);
      fmt::print("    +{:>6} ms  {}\n", after.count(), step.name);
    }
  }
}

}  // namespace

Exit list_operations(const Options& options) {
  auto answer = Client(options.socket).get("/v1/operations");
  if (!answer) return complain(answer.error());
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
    return Exit::ok;
  }
  std::vector<std::vector<std::string>> rows;
  for (const json& each : *answer) {
    auto operation = each.get<Operation>();
    rows.push_back({operation.id.text(), model::to_word(operation.action), state_word(operation),
                    clock(operation.created_at), members_of(operation)});
  }
  for (const std::string& line : lay_out({{"OPERATION"}, {"ACTION"}, {"STATE"}, {"BEGUN"}, {"MEMBERS"}}, rows))
    fmt::print("{}\n", line);
  return Exit::ok;
}

Exit show_operation(const Options& options) {
  auto answer = Client(options.socket).get(target_of(options));
  if (!answer) return complain(answer.error());
  if (options.format == Format::json)
    fmt::print("{}\n", answer->dump(2));
  else
    print_operation(answer->get<Operation>());
  return Exit::ok;
}

Exit wait_for_operation(const Options& options) {
  Client client(options.socket);
  auto start = std::chrono::steady_clock::now();
  if (options.timeout) client.end_at(start + *options.timeout);
  auto answer = client.get(target_of(options));
  if (!answer) return complain(answer.error());
  return follow(options, client, std::move(*answer), start);
}

Exit cancel_operation(const Options& options) {
  auto answer = Client(options.socket).remove(target_of(options));
  if (!answer) return complain(answer.error());
  if (options.format == Format::json)
    fmt::print("{}\n", answer->dump(2));
  else
    print_operation(answer->get<Operation>());
  // What it has begun with goes on, and what has ended cannot be taken back: who cancels wants to know.
  auto operation = answer->get<Operation>();
  bool cancelled = std::any_of(operation.members.begin(), operation.members.end(),
                               [](const auto& member) { return member.outcome == model::Outcome::cancelled; });
  return cancelled ? Exit::ok : complain({Exit::failed, "there was nothing left to cancel"});
}

}  // namespace postmultid::ctl
