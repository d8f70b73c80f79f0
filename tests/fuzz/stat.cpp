// /proc/PID/stat: the name in parentheses is whatever the process calls itself, and must not matter.
#include "fuzz.hpp"
#include "host/proc.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string line = fuzz::text_of(data, size);
  auto stat = host::parse_stat(line);
  std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    fuzz::always(!stat, "a line without a name is refused");
    return 0;
  }
  auto renamed = host::parse_stat("1 (a) R 2 (b" + line.substr(name_end));
  fuzz::always(stat.has_value() == renamed.has_value(), "the name decides nothing");
  if (stat)
    fuzz::always(stat->parent == renamed->parent && stat->session == renamed->session &&
                     stat->state == renamed->state && stat->start_ticks == renamed->start_ticks,
                 "the name changes nothing");
  return 0;
}
