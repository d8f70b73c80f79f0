#include "definitions/merge.hpp"

#include <algorithm>
#include <map>

namespace postmultid::definitions {

namespace {

/// These keys stand only at the top level; anywhere else they are unknown.
bool is_named_list(const std::string& key) { return key == "groups" || key == "instances" || key == "companions"; }

/// Of these every file's word counts.
bool adds_up(const std::string& key) { return key == "main.cf" || key == "master.cf" || key == "remove"; }

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

/// Half of a lookup table means nothing.
void merge_maps(Node& into, Node later) {
  for (Entry& entry : later.entries) {
    auto same = [&](const Entry& each) { return each.key == entry.key; };
    auto there = std::find_if(into.entries.begin(), into.entries.end(), same);
    if (there == into.entries.end())
      into.entries.push_back(std::move(entry));
    else
      *there = std::move(entry);
  }
}

void number(Node& node, int layer) {
  node.layer = layer;
  for (Node& item : node.items) number(item, layer);
  for (Entry& entry : node.entries) number(entry.value, layer);
}

void merge_map(Node& into, Node later) {
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < into.entries.size(); ++i) at[into.entries[i].key] = i;
  for (Entry& entry : later.entries) {
    auto found = at.find(entry.key);
    Entry* there = found == at.end() ? nullptr : &into.entries[found->second];
    auto both = [&](Kind kind) { return there && there->value.kind == kind && entry.value.kind == kind; };
    if (there && adds_up(entry.key)) {
      Node above = std::move(entry.value);
      above.beneath = std::move(there->value.beneath);
      above.beneath.push_back(std::move(there->value));
      there->value = std::move(above);
    } else if (there && entry.key == "maps") {
      merge_maps(there->value, std::move(entry.value));
    } else if (both(Kind::map))
      merge_map(there->value, std::move(entry.value));
    else if (both(Kind::list) && is_named_list(entry.key))
      merge_named(there->value, std::move(entry.value));
    else if (there)
      *there = std::move(entry);
    else
      into.entries.push_back(std::move(entry));
  }
}

}  // namespace

void merge(Node& root, Node later, int layer) {
  number(later, layer);
  merge_map(root, std::move(later));
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
