// /proc/PID/fdinfo/N. The input: the pid on a line of its own, then the file.
#include <charconv>

#include "fuzz.hpp"
#include "host/proc.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  std::string number = fuzz::take_line(text);
  pid_t pid = 1;
  std::from_chars(number.data(), number.data() + number.size(), pid);
  bool shown = host::shows_exclusive_flock(text, pid);
  if (shown)
    fuzz::always(text.find("lock:") != std::string::npos && text.find("FLOCK") != std::string::npos &&
                     text.find("WRITE") != std::string::npos && text.find(std::to_string(pid)) != std::string::npos,
                 "a lock that is shown is in the text");
  if (pid > 0)
    fuzz::always(host::shows_exclusive_flock(
                     text + "\nlock:\t1: FLOCK  ADVISORY  WRITE " + std::to_string(pid) + " 08:02:1234 0 EOF\n", pid),
                 "a lock is found behind anything");
  return 0;
}
