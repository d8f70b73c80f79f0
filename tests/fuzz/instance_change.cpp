// The body of POST /v1/instances.
#include "control/instance_request.hpp"
#include "fuzz.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto wanted = control::parse_instance_change(fuzz::text_of(data, size));
  if (!wanted) {
    fuzz::always(!wanted.error().message.empty(), "a refusal says why");
    return 0;
  }
  nlohmann::json written = *wanted;
  auto again = control::parse_instance_change(written.dump());
  fuzz::always(again && nlohmann::json(*again) == written, "what was read survives being written");
  return 0;
}
