#include "control/operation_request.hpp"

#include <nlohmann/json.hpp>
#include <set>

namespace postmultid::control {

using model::Result;
using nlohmann::json;

Result<OperationRequest> parse_operation(const std::string& body) {
  json document = json::parse(body, nullptr, false);
  if (document.is_discarded()) return model::failure("the body is not JSON");
  if (!document.is_object()) return model::failure("the body is not a JSON object");
  auto only = [](const json& object, const std::set<std::string>& known, const std::string& where) -> std::string {
    for (const auto& [key, value] : object.items())
      if (!known.contains(key)) return "unknown key \"" + key + "\" in " + where;
    return "";
  };
  if (auto wrong = only(document, {"action", "select", "options", "dry_run"}, "the request"); !wrong.empty())
    return model::failure(wrong);
  try {
    std::string word = document.at("action");
    // An unknown word becomes the enumeration's first value: compare its spelling.
    auto action = document.at("action").get<model::Action>();
    if (model::to_word(action) != word)
      return model::failure(
          "action \"" + word +
          "\" is not one of start, stop, restart, reload, flush, drain, abort, check, enable, disable, "
          "reset-failed");
    const json& select = document.at("select");
    if (!select.is_object()) return model::failure("select is not an object");
    if (auto wrong = only(select, {"names", "group", "all"}, "select"); !wrong.empty()) return model::failure(wrong);
    auto selection = select.get<model::Selection>();
    int ways = !selection.names.empty() + !selection.group.empty() + selection.all;
    if (ways != 1) return model::failure("select needs exactly one of names, group and all");
    json options = document.value("options", json::object());
    if (!options.is_object()) return model::failure("options is not an object");
    if (auto wrong = only(options, {"hold", "rolling", "accept_new_queue", "keep_desired", "deadline"}, "options");
        !wrong.empty())
      return model::failure(wrong);
    model::Request request{action, std::move(selection), options.get<model::OperationOptions>()};
    if (auto wrong = model::unfit(request); !wrong.empty()) return model::failure("options: " + wrong);
    return OperationRequest{std::move(request), document.value("dry_run", false)};
  } catch (const std::exception& e) {
    return model::failure(e.what());
  }
}

}  // namespace postmultid::control
