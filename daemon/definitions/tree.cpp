#include "definitions/tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "definitions/spelling.hpp"
#include "definitions/text.hpp"

namespace postmultid::definitions {

namespace {

/// Thrown through the parser where going on makes no sense.
struct Stop {};

/// Builds the tree from the parser's events. A refusal is noted and the building goes on, so that all are seen at once.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, const std::string& text) : file_(file), text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!documents_++) return;
    bool announced = text_.compare(offset(mark), 3, "---") == 0;
    complain(place(mark),
             announced ? "a second document; a file has one" : "this does not belong to what is before it");
    throw Stop();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor != 0) {
      refuse_anchor(mark);
    } else if (open_.empty()) {
      complain(place(mark), "the document is empty");
    } else if (Open& open = open_.back(); open.node.kind == Kind::list) {
      // The parser's mark is that of whatever comes next, perhaps many lines below.
      complain(open.node.place, "entry " + std::to_string(open.node.items.size() + 1) + " of this list is empty");
    } else if (open.key) {
      complain(open.key->place, in_quotes(open.key->text) + " has no value; " + instead_of_nothing());
    } else {
      complain(place(mark), "a key is missing");
    }
    put({.place = place(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(place(mark), "an alias (*name); write the value itself, or quote a text that begins with \"*\"");
    put({.place = place(mark)});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_properties(mark, tag, anchor);
    if (!quotation_ends(offset(mark))) complain(place(mark), "this quotation has no end");
    if (value.find('\0') != std::string::npos) complain(place(mark), "a text cannot contain a NUL");
    Node node{.place = place(mark), .text = value};
    // The parser calls "!" what is in quotation marks or a block.
    char first = offset(mark) < text_.size() ? text_[offset(mark)] : '\0';
    bool block = tag == "!" && (first == '|' || first == '>');
    node.folded = block ? first == '>' : tag != "!" && text_.compare(offset(mark), value.size(), value) != 0;
    if (block && first == '|') node.lines = lines_of_block(mark, value);
    put(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    begin(Kind::list, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    begin(Kind::map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { end(); }

  Place place(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_};
    return {file_, mark.line + 1, mark.column + 1};
  }
  void complain(const Place& place, const std::string& message) { complaints_.push_back({place, message}); }

  std::expected<Node, Complaints> result() {
    if (!root_ && complaints_.empty()) complain({file_}, "empty; it needs at least \"version: 1\"");
    if (!complaints_.empty()) return std::unexpected(complaints_);
    return std::move(*root_);
  }

 private:
  struct Key {
    std::string text;
    Place place;
    bool usable = true;
  };
  struct Open {
    Node node;
    std::optional<Key> key = std::nullopt;  // of a map, read already, while its value is not
    std::map<std::string, Place> keys = {};
  };

  std::size_t offset(const YAML::Mark& mark) const {
    return std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), text_.size());
  }

  void refuse_anchor(const YAML::Mark& mark) { complain(place(mark), "an anchor (&name); write the value itself"); }

  void refuse_properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) refuse_anchor(mark);
    // The parser's own tags for what has none are "?", and "!" for quoted text; a lone "!" can be written as well.
    bool written = (!tag.empty() && tag != "?" && tag != "!") || text_.compare(offset(mark), 1, "!") == 0;
    if (written) complain(place(mark), "a tag; quote a text that begins with \"!\"");
  }

  /// The parser takes the end of the file for the end of a quotation, too.
  bool quotation_ends(std::size_t at) const {
    char mark = at < text_.size() ? text_[at] : '\0';
    if (mark != '"' && mark != '\'') return true;
    for (std::size_t i = at + 1; i < text_.size(); ++i) {
      bool skips_next = mark == '"' ? text_[i] == '\\' : text_.compare(i, 2, "''") == 0;
      if (skips_next)
        ++i;
      else if (text_[i] == mark)
        return true;
    }
    return false;
  }

  /// Where the lines of a block's text begin. Each is a line of the file behind the block's "|", without its indentation.
  std::vector<Place> lines_of_block(const YAML::Mark& mark, const std::string& value) const {
    std::vector<Place> places;
    std::size_t before = text_.find('\n', offset(mark));
    for (std::size_t from = 0; from < value.size() && before != std::string::npos;) {
      std::size_t to = std::min(value.find('\n', from), value.size());
      std::size_t end = std::min(text_.find('\n', before + 1), text_.size());
      std::size_t written = end - before - 1, said = to - from;
      if (written > 0 && text_[end - 1] == '\r') --written;
      int line = mark.line + 2 + static_cast<int>(places.size());
      places.push_back({file_, line, static_cast<int>(written - std::min(written, said)) + 1});
      before = end < text_.size() ? end : std::string::npos;
      from = to + 1;
    }
    return places;
  }

  /// What to write for a key without a value: in main.cf, nothing could mean two things.
  std::string instead_of_nothing() const {
    const Open& open = open_.back();
    if (open.node.flow) return "write \"\" for an empty text; quote a text that has braces or commas in it";
    const std::optional<Key> above = open_.size() < 2 ? std::nullopt : open_[open_.size() - 2].key;
    if (!above || above->text != "main.cf") return "write \"\" for an empty text";
    std::string name = one_line(open.key->text);
    return "write " + name + ": \"\" to set it empty, or name it in remove, { main.cf: [" + name +
           "] }, for its default";
  }

  void begin(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             YAML::EmitterStyle::value style) {
    refuse_properties(mark, tag, anchor);
    if (open_.size() == kDeepest) {
      complain(place(mark), "nested deeper than " + std::to_string(kDeepest));
      throw Stop();
    }
    open_.push_back({{.kind = kind, .place = place(mark), .flow = style == YAML::EmitterStyle::Flow}});
  }

  void end() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }

  /// A node is complete: it belongs to what is open.
  void put(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (Open& open = open_.back(); open.node.kind == Kind::list) {
      open.node.items.push_back(std::move(node));
    } else if (!open.key) {
      open.key = key_from(open, node);
    } else {
      if (open.key->usable) open.node.entries.push_back({open.key->text, open.key->place, std::move(node)});
      open.key.reset();
    }
  }

  Key key_from(Open& open, const Node& node) {
    Key key{node.text, node.place};
    if (node.kind != Kind::text) {
      complain(node.place, "a key must be text");
      key.usable = false;
    } else if (node.text == "<<") {
      complain(node.place, "a merge key (<<); write the values themselves");
      key.usable = false;
    } else if (auto [first, is_new] = open.keys.try_emplace(node.text, node.place); !is_new) {
      complain(node.place,
               in_quotes(node.text) + " is there twice; the first is in line " + std::to_string(first->second.line));
      key.usable = false;
    }
    return key;
  }

  const std::string& file_;
  const std::string& text_;
  int documents_ = 0;
  std::vector<Open> open_;
  std::optional<Node> root_;
  Complaints complaints_;
};

/// The parser takes such a line away wherever it stands, whatever it says.
std::optional<Complaint> directive(const std::string& file, const std::string& text) {
  std::size_t at = text.starts_with('%') ? 0 : text.find("\n%");
  if (at == std::string::npos) return std::nullopt;
  if (text[at] == '\n') ++at;
  return Complaint{place_of(file, text, at),
                   "a line that begins with \"%\" is a directive of YAML; there is none to use"};
}

std::string line_of(const std::string& text, const YAML::Mark& mark) {
  if (mark.is_null() || static_cast<std::size_t>(mark.pos) > text.size()) return "";
  auto at = static_cast<std::size_t>(mark.pos);
  std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
}

}  // namespace

const char* word(Kind kind) {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
  }
  return "";
}

const Entry* Node::find(const std::string& key) const {
  auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

std::expected<Node, Complaints> parse(const std::string& file, const std::string& text) {
  for (auto unreadable : {not_text, directive})
    if (auto complaint = unreadable(file, text)) return std::unexpected(Complaints{*complaint});
  Builder builder(file, text);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& error) {
    // Its words may quote half a character.
    std::string meant = remedy(line_of(text, error.mark), error.msg);
    builder.complain(builder.place(error.mark),
                     "not YAML: " + one_line(error.msg) + (meant.empty() ? "" : "; " + meant));
  } catch (const Stop&) {
  }
  return builder.result();
}

}  // namespace postmultid::definitions
