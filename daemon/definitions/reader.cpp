#include "definitions/reader.hpp"

#include <algorithm>

#include "definitions/values.hpp"

namespace postmultid::definitions {

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

std::vector<std::string> Reader::command(const std::string& key) {
  auto words = texts(key, any_text);
  if (!words) return {};
  if (words->empty())
    complain(node_.find(key)->value.place, key + ": must not be empty");
  else if (!words->front().text.starts_with('/'))
    complain(words->front().place,
             key + ": " + in_quotes(words->front().text) + " must be the absolute path of a program");
  std::vector<std::string> argv;
  for (const Name& word : *words) argv.push_back(word.text);
  return argv;
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
