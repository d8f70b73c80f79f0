#include <map>

#include "definitions/decode.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/postfix_text.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

/// Of each parameter or service that a text says something of, where it does so first.
template <typename Subject>
std::map<std::string, Place> places(const PostfixText& text, Subject subject) {
  std::map<std::string, Place> all;
  for (const LogicalLine& line : logical_lines(text.text))
    if (auto about = subject(line)) all.try_emplace(*about, text.lines[line.first]);
  return all;
}

void refuse_both(const std::vector<Name>& removed, const std::map<std::string, Place>& said, const std::string& file,
                 Complaints& complaints) {
  for (const Name& name : removed)
    if (auto there = said.find(name.text); there != said.end())
      complaints.push_back(
          {name.place, in_quotes(name.text) + " is removed here, but " + file + " has it at " + there->second.text()});
}

void decode_remove(const Node& node, Configuration& configuration, Complaints& complaints) {
  Reader reader(node, "remove", complaints);
  configuration.remove_main_cf = reader.texts("main.cf", parameter_name).value_or(std::vector<Name>{});
  configuration.remove_master_cf = reader.texts("master.cf", service_name).value_or(std::vector<Name>{});
  reader.finish();
}

}  // namespace

Configuration decode_configuration(Reader& reader, Complaints& complaints) {
  Configuration configuration;
  if (const Node* node = reader.find("main.cf")) configuration.main_cf = decode_main_cf(*node, complaints);
  if (const Node* node = reader.find("master.cf")) configuration.master_cf = decode_master_cf(*node, complaints);
  if (const Node* node = reader.find("remove")) decode_remove(*node, configuration, complaints);
  if (const Node* node = reader.find("maps")) configuration.maps = decode_maps(*node, complaints);
  auto parameter_of = [](const LogicalLine& line) {
    auto setting = setting_of(line);
    return setting ? std::optional(setting->name) : std::nullopt;
  };
  refuse_both(configuration.remove_main_cf, places(configuration.main_cf, parameter_of), "main.cf", complaints);
  refuse_both(configuration.remove_master_cf, places(configuration.master_cf, service_of), "master.cf", complaints);
  return configuration;
}

}  // namespace postmultid::definitions
