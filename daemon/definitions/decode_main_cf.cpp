#include "definitions/decode.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/postfix_text.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

void check_name(const std::string& name, const Place& place, Complaints& complaints) {
  if (auto read = parameter_name(name); !read) complaints.push_back({place, "main.cf: " + read.error()});
}

PostfixText block(const Node& node, Complaints& complaints) {
  PostfixText text = text_of(node, "main.cf", complaints);
  refuse_continuation_at_the_top(text, complaints);
  for (const LogicalLine& line : logical_lines(text.text)) {
    const Place& place = text.lines[line.first];
    auto equals = line.text.find('=');
    if (equals == std::string::npos)
      complaints.push_back(
          {place, "main.cf: " + in_quotes(first_word(line.text)) + " has no \"=\"; write parameter = value"});
    else if (auto setting = setting_of(line))
      check_name(setting->name, place, complaints);
    else
      complaints.push_back({place, "main.cf: there is no name before the \"=\""});
  }
  return text;
}

PostfixText map(const Node& node, Complaints& complaints) {
  PostfixText text;
  if (node.flow && !node.entries.empty()) {
    complaints.push_back(
        {node.place,
         "main.cf: in braces YAML takes brackets, commas and \"#\" for its own; write each parameter on a line"});
    return text;
  }
  for (const auto& [parameter, place, value] : node.entries) {
    check_name(parameter, place, complaints);
    if (auto read = value_of(value, one_line(parameter), complaints))
      add_line(text, parameter + (read->empty() ? " =" : " = " + *read), place);
  }
  return text;
}

}  // namespace

PostfixText decode_main_cf(const Node& node, Complaints& complaints) {
  switch (node.kind) {
    case Kind::text: return block(node, complaints);
    case Kind::map: return map(node, complaints);
    case Kind::list: break;
  }
  complaints.push_back({node.place, "main.cf must be text (main.cf: |) or a map, not a list"});
  return {};
}

}  // namespace postmultid::definitions
