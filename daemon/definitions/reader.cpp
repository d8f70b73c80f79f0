#include "definitions/reader.hpp"

#include <algorithm>

namespace postmultid::definitions {

namespace {

const char* word(Kind kind) {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
  }
  return "";
}

}  // namespace

Reader::Reader(const Node& node, std::string what, Complaints& complaints)
    : node_(node), what_(std::move(what)), complaints_(complaints), usable_(is(node, Kind::map, what_)) {}

bool Reader::is(const Node& node, Kind kind, const std::string& what) {
  if (node.kind == kind) return true;
  complain(node.place, what + " must be " + word(kind) + ", not " + word(node.kind));
  return false;
}

const Node* Reader::find(const std::string& key) {
  known_.push_back(key);
  const Entry* entry = node_.find(key);
  return entry ? &entry->value : nullptr;
}

const Node* Reader::find(const std::string& key, Kind kind) {
  const Node* node = find(key);
  return node && is(*node, kind, key) ? node : nullptr;
}

const std::vector<Node>& Reader::items(const std::string& key) {
  static const std::vector<Node> none;
  const Node* list = find(key, Kind::list);
  return list ? list->items : none;
}

void Reader::finish() {
  for (const auto& [key, place, value] : node_.entries) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::string hint = did_you_mean(known_, key, complaints_);
    if (hint.empty()) {
      for (const std::string& known : known_) hint += (hint.empty() ? "; there are " : ", ") + known;
    }
    complain(place, "unknown key " + in_quotes(key) + " in " + what_ + hint);
  }
}

}  // namespace postmultid::definitions
