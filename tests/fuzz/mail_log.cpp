// A log file: anybody on the network has a say in its lines. The input: the master's pid on a line of its own, then the log.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <fstream>

#include "fuzz.hpp"
#include "postfix/mail_log.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/postmultid-fuzz-mail-log." + std::to_string(::getpid());
  std::string text = fuzz::text_of(data, size);
  std::string number = fuzz::take_line(text);
  pid_t pid = 1;
  std::from_chars(number.data(), number.data() + number.size(), pid);
  std::ofstream(path, std::ios::binary) << text;

  postfix::Instance instance;
  instance.maillog_file = path;
  auto lines = postfix::last_lines(instance, 20);
  fuzz::always(lines.has_value(), "a file that is there is read");
  fuzz::always(lines->size() <= 20, "no more lines than asked for");
  if (postfix::tells_of_a_stop(*lines, "x", pid))
    fuzz::always(text.find("the Postfix mail system") != std::string::npos ||
                     text.find("terminating on signal 15") != std::string::npos,
                 "a stop that is told of is in the log");
  lines->push_back("h x/master[1]: daemon started -- version 3.7");
  fuzz::always(!postfix::tells_of_a_stop(*lines, "x", pid), "a start is the last word");
  std::remove(path.c_str());
  return 0;
}
