#include "definitions/logical_lines.hpp"

#include <sstream>

namespace postmultid::definitions {

namespace {

constexpr char kBlanks[] = " \t\r\v\f";

std::string trimmed(const std::string& text) {
  auto first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::vector<std::string> physical_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  return lines;
}

std::vector<LogicalLine> logical_lines(const std::string& text) {
  std::vector<LogicalLine> all;
  std::size_t number = 0;
  for (const std::string& line : physical_lines(text)) {
    std::string piece = trimmed(line);
    std::size_t here = number++;
    if (piece.empty() || piece.starts_with('#')) continue;
    bool goes_on = std::string(kBlanks).find(line.front()) != std::string::npos;
    if (goes_on && !all.empty()) {
      all.back().text += " " + piece;
      all.back().behind = here + 1;
    } else {
      all.push_back({std::move(piece), here, here + 1});
    }
  }
  return all;
}

std::optional<Setting> setting_of(const LogicalLine& line) {
  auto equals = line.text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  std::string name = trimmed(line.text.substr(0, equals));
  if (name.empty()) return std::nullopt;
  return Setting{std::move(name), trimmed(line.text.substr(equals + 1)), line.first, line.behind};
}

std::optional<std::string> service_of(const LogicalLine& line) {
  std::istringstream words(line.text);
  std::string name, type;
  if (!(words >> name >> type)) return std::nullopt;
  return name + "/" + type;
}

std::vector<Setting> settings_of(const std::string& main_cf) {
  std::vector<Setting> all;
  for (const LogicalLine& line : logical_lines(main_cf))
    if (auto setting = setting_of(line)) all.push_back(std::move(*setting));
  return all;
}

}  // namespace postmultid::definitions
