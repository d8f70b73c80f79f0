#include "postfix/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "host/proc.hpp"
#include "host/sockets.hpp"
#include "postfix/endpoints.hpp"

namespace postmultid::postfix {

using model::Check;

namespace {

// Of these one process serves many clients at a time: that all are busy says nothing (by their sources, multi_server and
// trigger_server).
constexpr std::array<std::string_view, 12> kServeMany{"anvil",           "dnsblog", "oqmgr",  "pickup", "postscreen",
                                                      "proxymap",        "qmgr",    "scache", "tlsmgr", "tlsproxy",
                                                      "trivial-rewrite", "verify"};

bool serves_many(const Service& service) {
  std::string program = service.command.substr(0, service.command.find(' '));
  return std::find(kServeMany.begin(), kServeMany.end(), program) != kServeMany.end();
}

/// How many clients wait for each service, by "name/type".
model::Result<std::map<std::string, std::uint32_t>> clients_waiting(const Instance& instance, pid_t master) {
  auto unix_sockets = host::listening_unix_sockets();
  if (!unix_sockets) return std::unexpected(unix_sockets.error());
  auto tcp_sockets = host::listening_sockets();
  if (!tcp_sockets) return std::unexpected(tcp_sockets.error());
  std::map<std::string, std::uint32_t> waiting;
  auto held = host::open_sockets(master);
  for (const host::ListeningUnixSocket& socket : *unix_sockets)
    if (socket.waiting && held.contains(socket.inode))
      waiting[std::filesystem::path(socket.name).filename().string() + "/unix"] += socket.waiting;
  for (const host::ListeningSocket& socket : *tcp_sockets) {
    if (!socket.waiting || !held.contains(socket.inode)) continue;
    for (const Endpoint& endpoint : endpoints(instance))
      if (endpoint.served_by(socket)) {
        waiting[endpoint.service + "/inet"] += socket.waiting;
        break;
      }
  }
  return waiting;
}

std::string clients(std::uint32_t number) {
  return number == 1 ? "1 client waits" : fmt::format("{} clients wait", number);
}

/// Why those who wait for this service do; empty where it is just being begun with them.
std::string why_they_wait(const Service& service, unsigned processes) {
  std::string program = service.command.substr(0, service.command.find(' '));
  if (processes == 0)
    return "and it has no process: does " + program + " end at once? master tries again once a minute, and logs it";
  // qmgr itself queues at the delivery agents, and lets one or two wait there all the time.
  if (service.type == "inet" && service.process_limit && processes >= service.process_limit && !serves_many(service))
    return fmt::format("because all {} processes that its limit allows are busy", processes);
  return "";
}

}  // namespace

std::string service_of(const std::vector<std::string>& command_line) {
  if (command_line.empty()) return "";
  std::string name = std::filesystem::path(command_line[0]).filename();
  // What master puts in front of the options of master.cf.
  for (std::size_t i = 1; i + 1 < command_line.size(); ++i) {
    if (command_line[i] == "-n")
      name = command_line[++i];
    else if (command_line[i] == "-t")
      return name + "/" + command_line[i + 1];
    else if (command_line[i] != "-l" && command_line[i] != "-z")
      break;
  }
  return "";
}

Check look_at_services(const Instance& instance, pid_t master) {
  auto waiting = clients_waiting(instance, master);
  if (!waiting) return {"services", std::nullopt, waiting.error().message};
  if (waiting->empty()) return {"services", true, ""};
  std::map<std::string, unsigned> processes;
  for (const auto& [pid, parent] : host::parents())
    if (parent == master) ++processes[service_of(host::command_line(pid))];
  std::string bad;
  bool curable = false;
  for (const Service& service : instance.services) {
    std::string name = service.name + "/" + service.type;
    auto clients_of_it = waiting->find(name);
    if (clients_of_it == waiting->end()) continue;
    std::string why = why_they_wait(service, processes[name]);
    // Who is busy does his work: a restart would only cut those whom he serves.
    curable |= !why.empty() && processes[name] == 0;
    if (!why.empty())
      bad += fmt::format("{}{}: {} {}", bad.empty() ? "" : "; ", name, clients(clients_of_it->second), why);
  }
  return {"services", bad.empty(), bad, curable};
}

}  // namespace postmultid::postfix
