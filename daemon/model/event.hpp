// A numbered fact: what happened to whom, for people who were not there.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/status.hpp"

namespace postmultid::model {

struct Event {
  std::uint64_t number = 0;
  WallTime at;
  std::string instance;  // a member's id; empty: the daemon itself
  std::string what;      // one word: "died", "running", "reloaded"
  std::string message;
};

inline void to_json(nlohmann::json& j, const Event& event) {
  j = {{"number", event.number},
       {"at", to_rfc3339(event.at)},
       {"instance", event.instance},
       {"what", event.what},
       {"message", event.message}};
}

inline void from_json(const nlohmann::json& j, Event& event) {
  event = {j.at("number"), from_rfc3339(j.at("at")).value_or(WallTime{}), j.at("instance"), j.at("what"),
           j.at("message")};
}

}  // namespace postmultid::model
