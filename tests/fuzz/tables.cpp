// Which tables main.cf and master.cf name, and what of them is shown: text that anybody may have typed.
#include "fuzz.hpp"
#include "postfix/secrets.hpp"
#include "postfix/stale_tables.hpp"
#include "postfix/tables.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  postfix::Instance instance;
  instance.config_directory = "/etc/postfix";
  for (const std::string& table : postfix::tables_named({text, text}, instance)) {
    std::size_t colon = table.find(":/");
    fuzz::always(colon != std::string::npos && postfix::is_indexed(table.substr(0, colon)), "a type and a path");
  }
  std::string shown = postfix::shown_service(text);
  fuzz::always(postfix::shown_service(shown) == shown, "what is shown has no secret in it any more");
  return 0;
}
