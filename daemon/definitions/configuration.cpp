// How what is said of an instance's own files is laid over what was said before.
#include <algorithm>
#include <functional>
#include <optional>

#include "definitions/definition.hpp"
#include "definitions/logical_lines.hpp"

namespace postmultid::definitions {

namespace {

/// What a logical line is about: a parameter, or a service.
using Subject = std::function<std::optional<std::string>(const LogicalLine&)>;

std::optional<std::string> parameter_of(const LogicalLine& line) {
  auto setting = setting_of(line);
  return setting ? std::optional(setting->name) : std::nullopt;
}

bool among(const std::vector<Name>& names, const std::string& text) {
  return std::any_of(names.begin(), names.end(), [&](const Name& name) { return name.text == text; });
}

/// The text without the lines of those that are named.
PostfixText without(const PostfixText& from, const std::vector<Name>& names, const Subject& subject) {
  if (names.empty()) return from;
  std::vector<bool> dropped(from.lines.size());
  for (const LogicalLine& line : logical_lines(from.text))
    if (auto about = subject(line); about && among(names, *about))
      std::fill(dropped.begin() + static_cast<std::ptrdiff_t>(line.first),
                dropped.begin() + static_cast<std::ptrdiff_t>(line.behind), true);
  PostfixText rest;
  std::vector<std::string> lines = physical_lines(from.text);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!dropped[i]) rest.append({lines[i] + "\n", {from.lines[i]}});
  return rest;
}

/// The names without those that the text says something of, and `further` behind.
std::vector<Name> without(const std::vector<Name>& names, const PostfixText& text, const Subject& subject,
                          const std::vector<Name>& further) {
  std::vector<Name> rest = names;
  if (!names.empty())
    for (const LogicalLine& line : logical_lines(text.text))
      if (auto about = subject(line)) std::erase_if(rest, [&](const Name& name) { return name.text == *about; });
  rest.insert(rest.end(), further.begin(), further.end());
  return rest;
}

}  // namespace

void PostfixText::append(const PostfixText& later) {
  text += later.text;
  lines.insert(lines.end(), later.lines.begin(), later.lines.end());
}

bool Configuration::empty() const {
  return main_cf.empty() && master_cf.empty() && remove_main_cf.empty() && remove_master_cf.empty() && maps.empty();
}

Configuration Configuration::with(const Configuration& nearer) const {
  Configuration both;
  both.main_cf = without(main_cf, nearer.remove_main_cf, parameter_of);
  both.main_cf.append(nearer.main_cf);
  both.master_cf = without(master_cf, nearer.remove_master_cf, service_of);
  both.master_cf.append(nearer.master_cf);
  both.remove_main_cf = without(remove_main_cf, nearer.main_cf, parameter_of, nearer.remove_main_cf);
  both.remove_master_cf = without(remove_master_cf, nearer.master_cf, service_of, nearer.remove_master_cf);
  both.maps = maps;
  for (const Map& map : nearer.maps) {
    std::erase_if(both.maps, [&](const Map& each) { return each.name.text == map.name.text; });
    both.maps.push_back(map);
  }
  return both;
}

Configuration Definition::configuration_of(const Instance& instance) const {
  return default_configuration.with(instance.configuration);
}

}  // namespace postmultid::definitions
