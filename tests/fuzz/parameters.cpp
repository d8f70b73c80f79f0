// What `postconf` prints: "name = value" lines, with values that anybody may have typed.
#include "fuzz.hpp"
#include "postfix/instance.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parameters = postfix::parse_parameters(fuzz::text_of(data, size));
  std::string written;
  for (const auto& [name, value] : parameters) {
    fuzz::always(name.find('\n') == std::string::npos && value.find('\n') == std::string::npos,
                 "a parameter is of one line");
    fuzz::always(value.empty() || value.front() != ' ', "no blank before a value");
    written += name + " = " + value + "\n";
  }
  fuzz::always(postfix::parse_parameters(written) == parameters, "what was read survives being written");
  return 0;
}
