// The reason in what Postfix's programs print, on its way into an answer of the API. Nobody promises that it
// is UTF-8, short, or of lines at all.
#include <stdlib.h>

#include <fstream>

#include "control/message.hpp"
#include "fuzz.hpp"
#include "postfix/tools.hpp"

using namespace postmultid;

namespace {

std::string directory;

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::string made = "/tmp/postmultid-fuzz.XXXXXX";
  directory = ::mkdtemp(made.data()) ? made : "/nonexistent";
  std::ofstream(directory + "/master.cf") << "# a comment\nsmtp inet n - y - - smtpd\n\xff\xfe not UTF-8\n";
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string output = fuzz::text_of(data, size);
  // A message that names a file gets a line of it quoted. Here there is only one file to be named.
  replace_all(output, "..", "__");
  replace_all(output, "file /", "file " + directory + "/");

  std::string reason = postfix::reason_in(output);
  fuzz::always(reason.find('\n') == std::string::npos, "a reason is one line");
  fuzz::always(!control::answer(nlohmann::json{{"message", reason}}).body.empty(), "a reason can be answered");
  return 0;
}
