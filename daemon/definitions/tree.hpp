// One YAML text as a small tree in which everything knows its place. Only the plain part of YAML is let in: texts,
// lists and maps with texts as keys, in one document. What YAML can do beyond that (anchors, tags, merge keys, nulls)
// is refused, because in a definition it is a slip far more often than a wish: `!10.0.0.1` is a tag, and a key whose
// value was forgotten would silently mean something.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

enum class Kind { text, list, map };

/// "text", "a list", "a map".
const char* word(Kind kind);

struct Entry;

struct Node {
  Kind kind = Kind::text;
  Place place;
  std::string text;            // quoted or not makes no difference
  bool folded = false;         // a text whose line breaks YAML has made blanks: plain over several lines, or after ">"
  std::vector<Place> lines;    // of a block after "|": where each line of the text begins
  bool flow = false;           // a list in brackets, a map in braces
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order of the file, no key twice

  const Entry* find(const std::string& key) const;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// Deeper nesting than this is no definition.
constexpr std::size_t kDeepest = 16;

std::expected<Node, Complaints> parse(const std::string& file, const std::string& text);

}  // namespace postmultid::definitions
