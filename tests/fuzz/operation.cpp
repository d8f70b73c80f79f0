// The body of POST /v1/operations. Its parser is of handlers.cpp alone, so that file is compiled in here.
#include "control/handlers.cpp"
#include "fuzz.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto wanted = control::parse_operation(fuzz::text_of(data, size));
  if (!wanted) {
    fuzz::always(!control::refuse(control::bad_request(wanted.error().message)).body.empty(),
                 "a refusal can be answered");
    return 0;
  }
  const auto& [action, selection] = *wanted;
  fuzz::always(!selection.names.empty() + !selection.group.empty() + selection.all == 1, "one way to select");
  model::Status nobody;
  if (auto chosen = model::select(nobody, selection); !chosen)
    fuzz::always(!control::refuse(chosen.error()).body.empty(), "a selection that fits nobody can be answered");

  auto again = control::parse_operation(nlohmann::json{{"action", action}, {"select", selection}}.dump());
  fuzz::always(again && again->first == action && again->second.names == selection.names &&
                   again->second.group == selection.group && again->second.all == selection.all,
               "what was read survives being written");
  return 0;
}
