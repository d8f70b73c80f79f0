// master_service_disable, a list of words with separators of any kind. The input: service name, type, then
// the list.
#include "fuzz.hpp"
#include "postfix/instance.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string list = fuzz::text_of(data, size);
  postfix::Service service;
  service.name = fuzz::take_line(list);
  service.type = fuzz::take_line(list);

  std::string joined;
  auto words = postfix::split_words(list);
  for (const std::string& word : words) {
    fuzz::always(!word.empty() && word.find_first_of(", \t\n") == std::string::npos, "a word has no separator in it");
    joined += word + ",";
  }
  fuzz::always(postfix::split_words(joined) == words, "commas separate as white space does");
  fuzz::always(postfix::service_disabled(joined, service) == postfix::service_disabled(list, service),
               "the kind of separator decides nothing");

  // Only a type can be a word of its own in the list, and the first match counts.
  if (service.type.empty() || service.type.find_first_of("!/., \t\n\v\f\r") != std::string::npos) return 0;
  fuzz::always(postfix::service_disabled(service.type + " " + list, service), "its type in front disables it");
  fuzz::always(!postfix::service_disabled("!" + service.type + " " + list, service),
               "its type excluded in front does not");
  return 0;
}
