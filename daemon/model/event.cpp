#include "model/event.hpp"

#include "model/operation.hpp"

namespace postmultid::model {

using nlohmann::json;

void to_json(json& j, const Event& event) {
  auto word = [](const std::string& text) { return text.empty() ? json() : json(text); };
  j = {{"number", event.number},
       {"at", to_rfc3339(event.at)},
       {"kind", event.kind},
       {"instance", event.instance},
       {"what", event.what},
       {"message", event.message},
       {"from", word(event.from)},
       {"to", word(event.to)},
       {"operation", event.operation ? json(event.operation->text()) : json()}};
}

void from_json(const json& j, Event& event) {
  event = {j.at("number"), from_rfc3339(j.at("at")).value_or(WallTime{}), j.at("instance"), j.at("what"),
           j.at("message")};
  // A postmultid of before has left none of these to its successor.
  auto word = [&](const char* key) {
    return j.contains(key) && !j.at(key).is_null() ? j.at(key).get<std::string>() : "";
  };
  if (j.contains("kind")) j.at("kind").get_to(event.kind);
  event.from = word("from");
  event.to = word("to");
  event.operation = operation_called(word("operation"));
}

}  // namespace postmultid::model
