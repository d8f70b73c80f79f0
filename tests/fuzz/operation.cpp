// The body of POST /v1/operations.
#include "control/operation_request.hpp"
#include "fuzz.hpp"
#include "model/selection.hpp"

using namespace postmultid;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto wanted = control::parse_operation(fuzz::text_of(data, size));
  if (!wanted) {
    fuzz::always(!wanted.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto& [action, selection, options] = *wanted;
  fuzz::always(!selection.names.empty() + !selection.group.empty() + selection.all == 1, "one way to select");
  fuzz::always(model::unfit(*wanted).empty(), "options fit the action");
  model::Status nobody;
  if (auto chosen = model::select(nobody, selection); !chosen)
    fuzz::always(!chosen.error().detail.empty(), "and so does a selection that fits nobody");

  nlohmann::json written{{"action", action}, {"select", selection}, {"options", options}};
  auto again = control::parse_operation(written.dump());
  fuzz::always(again && again->action == action && again->select.names == selection.names &&
                   again->select.group == selection.group && again->select.all == selection.all &&
                   again->options.hold == options.hold && again->options.rolling == options.rolling &&
                   again->options.accept_new_queue == options.accept_new_queue &&
                   again->options.deadline == options.deadline,
               "what was read survives being written");
  return 0;
}
