// Reads one map of the tree, key by key, into values. Whatever is wrong is added to the complaints and reading goes on.
// A key that nobody has asked for when finish() is called is unknown; so the code that reads a map is also the list of
// its keys.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "definitions/complaint.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

class Reader {
 public:
  /// `what` names the map in messages: "supervise", "a group".
  Reader(const Node& node, std::string what, Complaints& complaints);

  /// The value of a key, read by one of the functions in values.hpp; nothing if it is not there or wrong.
  template <typename Parse>
  auto value(const std::string& key, Parse parse) {
    const Node* node = find(key, Kind::text);
    return node ? read(*node, key, parse) : decltype(read(*node, key, parse))();
  }

  /// The same, with its place; empty if it is not there or wrong.
  template <typename Parse>
  Name placed(const std::string& key, Parse parse) {
    const Node* node = find(key, Kind::text);
    return node ? Name{read(*node, key, parse).value_or(""), node->place} : Name{};
  }

  /// The texts of a list, with their places; nothing if the key is not there.
  template <typename Parse>
  std::optional<std::vector<Name>> texts(const std::string& key, Parse parse) {
    const Node* list = find(key, Kind::list);
    if (!list) return std::nullopt;
    std::vector<Name> all;
    for (const Node& item : list->items) {
      if (!is(item, Kind::text, "an entry of " + key)) continue;
      if (auto text = read(item, key, parse)) all.push_back({*text, item.place});
    }
    return all;
  }

  /// A program and its arguments; empty if the key is not there.
  std::vector<std::string> command(const std::string& key);

  /// `name`, which must be there.
  template <typename Parse>
  Name name(Parse parse) {
    const Node* node = find("name", Kind::text);
    if (!node) {
      if (usable_ && !node_.find("name")) complain(node_.place, what_ + " needs a name");
      return {"", node_.place};
    }
    return {read(*node, "name", parse).value_or(""), node->place};
  }

  /// The value of a key, if it is there and of that kind.
  const Node* find(const std::string& key, Kind kind);
  /// The same, of any kind.
  const Node* find(const std::string& key);
  /// The entries of a list; none if the key is not there.
  const std::vector<Node>& items(const std::string& key);

  /// Reads one text by a function in values.hpp; `what` is said before its complaint.
  template <typename Parse>
  auto read(const Node& node, const std::string& what, Parse parse) {
    auto result = parse(node.text);
    std::optional<typename decltype(result)::value_type> value;
    if (result)
      value = std::move(*result);
    else
      complain(node.place, what + ": " + result.error());
    return value;
  }

  void complain(const Place& place, const std::string& message) { complaints_.push_back({place, message}); }

  /// Complains if the node is of another kind.
  bool is(const Node& node, Kind kind, const std::string& what);

  /// Complains of the keys that are unknown.
  void finish();

 private:
  const Node& node_;
  std::string what_;
  Complaints& complaints_;
  bool usable_;
  std::vector<std::string> known_;
};

}  // namespace postmultid::definitions
