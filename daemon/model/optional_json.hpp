// std::optional in JSON: null for nothing (nlohmann_json 3.11 has no conversion of its own).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace postmultid::model {

template <typename T>
void put(nlohmann::json& j, const char* key, const std::optional<T>& value) {
  j[key] = value ? nlohmann::json(*value) : nlohmann::json();
}

template <typename T>
void get(const nlohmann::json& j, const char* key, std::optional<T>& value) {
  value = j.at(key).is_null() ? std::nullopt : std::optional<T>(j.at(key).get<T>());
}

}  // namespace postmultid::model
