// Names in a queue directory. The first bytes also make a long queue id the way Postfix does, to be read
// back.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "fuzz.hpp"
#include "postfix/queue.hpp"

using namespace postmultid;

namespace {

constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

std::string in_base(std::uint64_t number, unsigned base, std::size_t at_least) {
  std::string text;
  for (; number > 0 || text.size() < at_least; number /= base) text += kDigits[number % base];
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string name = fuzz::text_of(data, size);
  bool id = postfix::is_queue_id(name);
  fuzz::always(id == (!name.empty() && name.find_first_not_of("0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                              "abcdefghijklmnopqrstuvwxyz") == std::string::npos),
               "an id is of letters, digits and _");
  auto arrival = postfix::arrival_in_name(name);
  if (arrival) fuzz::always(arrival->time_since_epoch().count() >= 0, "nothing arrived before 1970");

  struct {
    std::uint32_t seconds, microseconds, inode;
  } made{};
  if (size < sizeof(made)) return 0;
  std::memcpy(&made, data, sizeof(made));
  std::string long_id =
      in_base(made.seconds, 52, 6) + in_base(made.microseconds % 1000000, 52, 4) + "z" + in_base(made.inode, 51, 1);
  fuzz::always(postfix::is_queue_id(long_id), "a long id is an id");
  auto read = postfix::arrival_in_name(long_id);
  fuzz::always(read == model::WallTime(std::chrono::seconds(made.seconds)), "a long id holds its seconds");
  return 0;
}
