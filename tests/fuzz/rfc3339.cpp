// Times in the answers of a daemon, as pmctl reads them.
#include <cstring>

#include "fuzz.hpp"
#include "model/status.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto time = model::from_rfc3339(fuzz::text_of(data, size));
  if (time) fuzz::always(model::from_rfc3339(model::to_rfc3339(*time)) == time, "what was read survives being written");

  // Any moment up to the year 2106, to the millisecond, as status shows it.
  std::uint64_t milliseconds = 0;
  if (size < sizeof(milliseconds)) return 0;
  std::memcpy(&milliseconds, data, sizeof(milliseconds));
  model::WallTime moment(std::chrono::milliseconds(milliseconds % (UINT64_C(1) << 42)));
  fuzz::always(model::from_rfc3339(model::to_rfc3339(moment)) == moment, "what is written can be read");
  return 0;
}
