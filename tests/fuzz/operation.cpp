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
  const auto& [action, selection, options] = wanted->request;
  fuzz::always(!selection.names.empty() + !selection.group.empty() + selection.all == 1, "one way to select");
  fuzz::always(model::unfit(wanted->request).empty(), "options fit the action");
  model::Status nobody;
  if (auto chosen = model::select(nobody, selection); !chosen)
    fuzz::always(!chosen.error().detail.empty(), "and so does a selection that fits nobody");

  nlohmann::json written{{"action", action}, {"select", selection}, {"options", options}, {"dry_run", wanted->dry_run}};
  auto again = control::parse_operation(written.dump());
  if (again) fuzz::always(again->dry_run == wanted->dry_run, "a rehearsal stays one");
  const auto* as_read = again ? &again->request : nullptr;
  fuzz::always(as_read && as_read->action == action && as_read->select.names == selection.names &&
                   as_read->select.group == selection.group && as_read->select.all == selection.all &&
                   as_read->options.hold == options.hold && as_read->options.rolling == options.rolling &&
                   as_read->options.accept_new_queue == options.accept_new_queue &&
                   as_read->options.deadline == options.deadline,
               "what was read survives being written");
  return 0;
}
