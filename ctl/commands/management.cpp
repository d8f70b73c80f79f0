// takeover, handback, wrapper: who runs this host's mail system.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "commands/commands.hpp"
#include "model/management.hpp"

namespace postmultid::ctl {

using nlohmann::json;

namespace {

// Longer than the daemon's own limits for all steps together: each systemctl may take a minute, each postconf 10 s.
constexpr std::chrono::minutes kLongest{10};

/// What was done, or would be, step by step.
void print(const json& answer, const char* done_word) {
  for (const json& each : answer.at("steps")) {
    auto step = each.get<model::ManagementStep>();
    bool planned = answer.at("dry_run");
    fmt::print("{:<8} {:<8} {}\n", planned ? "would" : step.done ? done_word : "-", step.name, step.detail);
  }
}

/// Asked on a terminal, answered by somebody.
bool agreed() {
  fmt::print("Go on? [y/N] ");
  std::fflush(stdout);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

Exit hand_over(const Options& options, const std::string& target) {
  Client client(options.socket);
  bool ask = !options.dry_run && !options.yes;
  if (ask && !::isatty(STDIN_FILENO))
    return complain({Exit::usage, "nobody is there to ask: say --yes, or --dry-run to see what would be done"});
  if (ask || options.dry_run) {
    auto plan = client.post(target, {{"dry_run", true}});
    if (!plan) return complain(plan.error());
    if (options.format == Format::json)
      fmt::print("{}\n", plan->dump(2));
    else
      print(*plan, "");
    if (options.dry_run) return Exit::ok;
    if (!agreed()) return complain({Exit::failed, "nothing was done"});
  }
  auto answer = client.post(target, json::object(), {}, kLongest);
  if (!answer) return complain(answer.error());
  if (options.format == Format::json)
    fmt::print("{}\n", answer->dump(2));
  else
    print(*answer, "done");
  return Exit::ok;
}

Exit change_wrapper(Options options, const std::string& target) {
  options.yes = true;  // one setting, which the opposite verb puts back
  return hand_over(options, target);
}

}  // namespace

Exit take_over(const Options& options) { return hand_over(options, "/v1/daemon/takeover"); }
Exit hand_back(const Options& options) { return hand_over(options, "/v1/daemon/handback"); }
Exit install_wrapper(const Options& options) { return change_wrapper(options, "/v1/daemon/wrapper/install"); }
Exit remove_wrapper(const Options& options) { return change_wrapper(options, "/v1/daemon/wrapper/remove"); }

Exit show_wrapper(const Options& options) {
  auto known = fetch(options);
  if (!known) return complain(known.error());
  const std::string& wrapper = known->status.daemon.wrapper;
  bool ours = model::wrapper_is_ours(wrapper);
  fmt::print("{}  multi_instance_wrapper = {}\n", ours ? "installed" : "not installed", wrapper);
  return ours ? Exit::ok : Exit::failed;
}

}  // namespace postmultid::ctl
