// What `postconf -M` prints: the lines of master.cf.
#include "fuzz.hpp"
#include "postfix/instance.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto services = postfix::parse_services(fuzz::text_of(data, size));
  std::string written;
  for (const postfix::Service& service : services) {
    for (const std::string& field : {service.name, service.type, service.command})
      fuzz::always(!field.empty() && field.find_first_of(" \t\n") == std::string::npos, "a field is one word");
    written += service.name + " " + service.type + " - - " + (service.chroot ? "y" : "n") + " - - " + service.command +
               "\n  -o option=value\n";
  }
  auto again = postfix::parse_services(written);
  fuzz::always(again.size() == services.size(), "every service survives being written");
  for (std::size_t i = 0; i < again.size(); ++i)
    fuzz::always(again[i].name == services[i].name && again[i].type == services[i].type &&
                     again[i].chroot == services[i].chroot && again[i].command == services[i].command,
                 "what was read survives being written");
  return 0;
}
