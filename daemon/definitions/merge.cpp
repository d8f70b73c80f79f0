#include "definitions/merge.hpp"

#include <map>

namespace postmultid::definitions {

namespace {

/// These keys stand only at the top level; anywhere else they are unknown.
bool is_named_list(const std::string& key) { return key == "groups" || key == "instances" || key == "companions"; }

/// The text of the entry's `name`, if it has one.
const Node* name_of(const Node& item) {
  const Entry* name = item.kind == Kind::map ? item.find("name") : nullptr;
  return name && name->value.kind == Kind::text ? &name->value : nullptr;
}

void merge_map(Node& into, Node later);

void merge_named(Node& into, Node later) {
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < into.items.size(); ++i)
    if (const Node* name = name_of(into.items[i])) at[name->text] = i;
  for (Node& item : later.items) {
    const Node* name = name_of(item);
    auto there = name ? at.find(name->text) : at.end();
    if (there == at.end())
      into.items.push_back(std::move(item));
    else
      merge_map(into.items[there->second], std::move(item));
  }
}

void merge_map(Node& into, Node later) {
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < into.entries.size(); ++i) at[into.entries[i].key] = i;
  for (Entry& entry : later.entries) {
    auto found = at.find(entry.key);
    Entry* there = found == at.end() ? nullptr : &into.entries[found->second];
    auto both = [&](Kind kind) { return there && there->value.kind == kind && entry.value.kind == kind; };
    if (both(Kind::map))
      merge_map(there->value, std::move(entry.value));
    else if (both(Kind::list) && is_named_list(entry.key))
      merge_named(there->value, std::move(entry.value));
    else if (there)
      *there = std::move(entry);
    else
      into.entries.push_back(std::move(entry));
  }
}

bool is_configuration(const Entry& entry) {
  return entry.key == "main.cf" || entry.key == "master.cf" || entry.key == "remove" || entry.key == "maps";
}

void drop_configuration(Node& root) {
  for (Entry& entry : root.entries) {
    if (entry.key == "defaults" || entry.key == "primary") std::erase_if(entry.value.entries, is_configuration);
    if (entry.key == "instances")
      for (Node& instance : entry.value.items) std::erase_if(instance.entries, is_configuration);
  }
}

}  // namespace

void merge(Node& root, Node later) {
  drop_configuration(later);
  merge_map(root, std::move(later));
}

void lay_over(Definition& whole, const Definition& file) {
  whole.default_configuration = whole.default_configuration.with(file.default_configuration);
  if (file.primary) whole.primary->configuration = whole.primary->configuration.with(file.primary->configuration);
  std::map<std::string, Configuration*> configurations;
  for (Instance& instance : whole.instances) configurations[instance.name.text] = &instance.configuration;
  for (const Instance& instance : file.instances) {
    Configuration& before = *configurations.at(instance.name.text);
    before = before.with(instance.configuration);
  }
}

void refuse_duplicates(const Node& root, Complaints& complaints) {
  for (const auto& [key, place, list] : root.entries) {
    if (!is_named_list(key)) continue;
    std::map<std::string, int> first_lines;
    for (const Node& item : list.items) {
      const Node* name = name_of(item);
      if (!name) continue;
      auto [first, is_new] = first_lines.try_emplace(name->text, name->place.line);
      if (!is_new)
        complaints.push_back({name->place, in_quotes(name->text) + " is twice in " + key + "; the first is in line " +
                                               std::to_string(first->second)});
    }
  }
}

}  // namespace postmultid::definitions
