// What an instance's log says about a failure: anybody on the network has a say in its lines. The input: a log.
#include <cstdlib>
#include <sstream>

#include "control/message.hpp"
#include "fuzz.hpp"
#include "postfix/last_words.hpp"
#include "postfix/mail_log.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream text(fuzz::text_of(data, size));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  postfix::Instance instance;
  instance.syslog_name = "x";
  instance.config_directory = "/nonexistent";
  instance.queue_directory = "/nonexistent";

  auto words = postfix::complaints(lines, "x", 0);
  fuzz::always(words.size() <= 6, "a few words");
  for (const std::string& word : words) {
    fuzz::always(word.size() < 500, "short words");
    fuzz::always(word.find_first_of("\x1b\r\n\t") == std::string::npos, "words that a terminal can show");
    fuzz::always(postfix::spoken_in(word, "x").has_value(), "words of this instance");
  }
  model::Fault fault = postfix::explained(instance, {}, words);
  fuzz::always(fault.message.find('\n') == std::string::npos, "a message is one line");
  fuzz::always(fault.hint.find_first_of("$`'\"\\&|<>(){}*\n") == std::string::npos,
               "nothing of a log that a shell would heed gets into a command");
  fuzz::always(!control::answer(nlohmann::json{{"message", fault.message}, {"log", fault.log}}).body.empty(),
               "an explanation can be answered");
  return 0;
}
