// The command line of a child of master, which is as long and as odd as master.cf makes it.
#include <sstream>

#include "fuzz.hpp"
#include "postfix/services.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words;
  std::istringstream text(fuzz::text_of(data, size));
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  std::string service = postfix::service_of(words);
  fuzz::always(service.empty() || service.find('/') != std::string::npos, "a service has a name and a type");
  std::vector<std::string> written{"program", "-l", "-n", "name", "-t", "type"};
  written.insert(written.end(), words.begin(), words.end());
  fuzz::always(postfix::service_of(written) == "name/type", "what follows changes nothing");
  return 0;
}
