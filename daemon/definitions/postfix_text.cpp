#include "definitions/postfix_text.hpp"

#include <algorithm>

#include "definitions/logical_lines.hpp"

namespace postmultid::definitions {

namespace {

bool control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127; }

bool has_control(const std::string& text) { return std::any_of(text.begin(), text.end(), control); }

/// One text of a value; it has to be on one line.
std::optional<std::string> piece_of(const Node& node, const std::string& what, Complaints& complaints) {
  std::string wrong;
  if (node.kind == Kind::list && node.flow)
    wrong = what + ": a list in a list; quote a text that begins with \"[\"";
  else if (node.kind == Kind::map && node.flow)
    wrong = what + ": braces are a map to YAML; quote a text that begins with \"{\"";
  else if (node.kind != Kind::text)
    wrong = what + " must be text, not " + word(node.kind);
  else if (node.text.find('\n') != std::string::npos)
    wrong = what + ": a line break; write it on one line, or as a list";
  else if (has_control(node.text))
    wrong = what + ": a control character";
  if (wrong.empty()) return node.text;
  complaints.push_back({node.place, wrong});
  return std::nullopt;
}

}  // namespace

PostfixText text_of(const Node& node, const std::string& key, Complaints& complaints) {
  if (node.folded) {
    complaints.push_back({node.place, key + ": YAML would make one line of these; write " + key + ": |"});
    return {};
  }
  PostfixText text{node.text, node.lines};
  if (!text.empty() && !text.text.ends_with('\n')) text.text += '\n';
  std::vector<std::string> lines = physical_lines(text.text);
  text.lines.resize(lines.size(), node.place);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (has_control(lines[i])) complaints.push_back({text.lines[i], key + ": a control character"});
  return text;
}

std::optional<std::string> value_of(const Node& node, const std::string& parameter, Complaints& complaints) {
  if (node.kind != Kind::list) return piece_of(node, parameter, complaints);
  if (node.flow && node.items.size() == 1) {
    const Node& only = node.items.front();
    std::string quoted = only.kind == Kind::text ? "\"[" + one_line(only.text) + "]\"" : "\"[...]\"";
    complaints.push_back({node.place, parameter + ": YAML takes these brackets away; write " + quoted +
                                          " if they are Postfix's, or else the value without them"});
    return std::nullopt;
  }
  std::string joined;
  bool complete = true;
  for (const Node& item : node.items) {
    auto piece = piece_of(item, "an entry of " + parameter, complaints);
    if (piece && piece->empty()) complaints.push_back({item.place, "an entry of " + parameter + " is empty"});
    complete = complete && piece && !piece->empty();
    if (piece) joined += (joined.empty() ? "" : ", ") + *piece;
  }
  return complete ? std::optional(joined) : std::nullopt;
}

void add_line(PostfixText& text, const std::string& line, const Place& place) { text.append({line + "\n", {place}}); }

void refuse_continuation_at_the_top(const PostfixText& text, Complaints& complaints) {
  auto lines = logical_lines(text.text);
  if (lines.empty()) return;
  std::size_t first = lines.front().first;
  std::string line = physical_lines(text.text)[first];
  if (line.front() == ' ' || line.front() == '\t')
    complaints.push_back(
        {text.lines[first], "begins with a blank, so it would go on with a line before it; there is none"});
}

}  // namespace postmultid::definitions
