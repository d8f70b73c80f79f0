#include "model/instance_change.hpp"

#include <algorithm>
#include <stdexcept>

namespace postmultid::model {

using nlohmann::json;

void from_json(const json& j, InstanceChange& change) {
  for (const auto& [key, value] : j.items()) {
    if (key == "first")
      value.get_to(change.first);
    else if (key == "name")
      change.name = value.get<std::string>();
    else if (key == "group")
      change.group = value.get<std::string>();
    else if (auto text = key == "action"             ? &change.action
                         : key == "instance"         ? &change.instance
                         : key == "config_directory" ? &change.config_directory
                         : key == "queue_directory"  ? &change.queue_directory
                         : key == "data_directory"   ? &change.data_directory
                         : key == "before"           ? &change.before
                                                     : nullptr)
      value.get_to(*text);
    else
      throw std::invalid_argument("\"" + key + "\" is not known");
  }
  std::vector<std::string> actions{"init", "create", "import", "assign", "deport", "destroy"};
  if (std::ranges::find(actions, change.action) == actions.end())
    throw std::invalid_argument("action is not one of init, create, import, assign, deport, destroy");
  for (const std::string* path : {&change.config_directory, &change.queue_directory, &change.data_directory})
    if (!path->empty() &&
        (!path->starts_with('/') || *path == "/" || path->find_first_of(" \t\n,") != std::string::npos))
      throw std::invalid_argument("\"" + *path + "\" must be an absolute path without blanks and commas");
  if (change.name && !change.name->empty() && !change.name->starts_with("postfix-"))
    throw std::invalid_argument("an instance's name begins with \"postfix-\"; write postfix-" + *change.name);
  auto odd = [](unsigned char c) {
    return !std::isalnum(c) && std::string_view("!@%-_=+:./").find(static_cast<char>(c)) == std::string_view::npos;
  };
  for (const auto* word : {&change.name, &change.group})
    if (*word && std::ranges::any_of(**word, odd))
      throw std::invalid_argument("\"" + **word + "\" has a character that is none of letters, digits and !@%-_=+:./");
  if (change.name && change.name->find('/') != std::string::npos)
    throw std::invalid_argument("\"" + *change.name + "\": there is no / in an instance's name");
}

void to_json(json& j, const InstanceChanged& changed) {
  j = {{"action", changed.action}, {"id", changed.id}, {"steps", changed.steps}};
}

void from_json(const json& j, InstanceChanged& changed) { changed = {j.at("action"), j.at("id"), j.at("steps")}; }

}  // namespace postmultid::model
