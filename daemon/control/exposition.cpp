#include "control/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace postmultid::control {

namespace {

// Up to here a double holds every whole number.
constexpr double kWhole = 9007199254740992.0;

std::string as_utf8(std::string_view value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return std::string(value);
  using nlohmann::json;
  return json::parse(json(value).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  type_ = type;
  help_ = help;
  begun_ = false;
}

void Exposition::sample(std::string_view suffix, std::initializer_list<Label> labels, double value) {
  if (!begun_) text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help_, type_);
  begun_ = true;
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, content] : labels) {
    text_ += before;
    text_.append(name).append("=\"").append(escape_label(content)).append("\"");
    before = ',';
  }
  if (labels.size() > 0) text_ += '}';
  text_.append(" ").append(to_number(value)).append("\n");
}

std::string escape_label(std::string_view value) {
  std::string escaped;
  for (char c : as_utf8(value)) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

std::string to_number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::trunc(value) == value && std::abs(value) < kWhole) return fmt::format("{}", static_cast<long long>(value));
  return fmt::format("{}", value);
}

}  // namespace postmultid::control
