// /run/postmultid/state.json: written by a postmultid, which may have been another version, or by somebody's editor.
#include "runtime/handover.hpp"
#include "fuzz.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto now = supervision::Instant(std::chrono::hours(1));
  auto found = runtime::read_handover(fuzz::text_of(data, size), "boot", now);
  if (!found) {
    fuzz::always(!found.error().message.empty(), "a refusal says why");
    return 0;
  }
  for (const auto& [id, member] : found->members) {
    for (auto at : member.restarted_at) fuzz::always(at <= now, "nothing is of the future");
    fuzz::always(std::ranges::is_sorted(member.restarted_at), "restarts are in order");
  }
  std::string text = to_text(*found, "boot");
  auto again = runtime::read_handover(text, "boot", now);
  fuzz::always(again && to_text(*again, "boot") == text, "what was read survives being written");
  return 0;
}
