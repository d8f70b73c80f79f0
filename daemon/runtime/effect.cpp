#include "runtime/effect.hpp"

namespace postmultid::runtime {

using supervision::Fleet;
using supervision::Machine;

namespace {

// In a fleet of thousands one may hold all others.
constexpr std::size_t kMostNames = 8;

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < kMostNames; ++i) text += (i ? ", " : "") + words[i];
  if (words.size() > kMostNames) text += " and " + std::to_string(words.size() - kMostNames) + " more";
  return text;
}

/// What waits inside; a stopped instance delivers nothing.
std::string waiting_mail(const Ward& ward) {
  if (!ward.counts.queue) return "";
  const model::QueueCounts& queue = *ward.counts.queue;
  auto waiting = queue.maildrop + queue.incoming + queue.active + queue.deferred;
  if (!waiting) return "no mail waits in its queue";
  return std::to_string(waiting) + (waiting == 1 ? " message waits" : " messages wait") + " in its queue";
}

}  // namespace

Overview overview_of(const Fleet& fleet) {
  Overview overview;
  for (const Machine* machine : fleet.members()) {
    if (machine->running()) ++overview.running;
    if (machine->phase() != supervision::Phase::queued) continue;
    if (const Machine* blocker = fleet.blocker(*machine); blocker && !blocker->running())
      overview.held[blocker->spec().id].push_back(machine->spec().id.text);
  }
  return overview;
}

std::string effect_of(const Overview& overview, const Machine& machine, const Ward& ward) {
  if (machine.desired() != model::Desired::up || machine.running()) return "";
  std::vector<std::string> parts;
  if (auto places = ward.driver->serves(); !places.empty())
    parts.push_back("nobody answers at " + list(places) +
                    (machine.spec().companion ? "" : ": clients are refused, other mail servers try again later"));
  else if (machine.spec().primary)
    parts.push_back("what is submitted on this host waits in maildrop");
  if (std::string mail = waiting_mail(ward); !mail.empty()) parts.push_back(mail);
  if (auto waits = overview.held.find(machine.spec().id); waits != overview.held.end())
    parts.push_back("held until it runs: " + list(waits->second));
  if (std::size_t up = overview.running)
    parts.push_back(std::to_string(up) + (up == 1 ? " other member runs" : " other members run"));
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

}  // namespace postmultid::runtime
