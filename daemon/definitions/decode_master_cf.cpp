#include <sstream>

#include "definitions/decode.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/postfix_text.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

constexpr int kFields = 8;

/// master(8) takes an argument with blanks in braces, and looks for the brace that belongs to the first.
bool balanced(const std::string& text) {
  int depth = 0;
  for (char c : text) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth == 0;
}

PostfixText block(const Node& node, Complaints& complaints) {
  PostfixText text = text_of(node, "master.cf", complaints);
  refuse_continuation_at_the_top(text, complaints);
  for (const LogicalLine& line : logical_lines(text.text)) {
    const Place& place = text.lines[line.first];
    auto complain = [&](const std::string& message) { complaints.push_back({place, "master.cf: " + message}); };
    std::istringstream words(line.text);
    int count = 0;
    for (std::string word; words >> word;) ++count;
    if (count < kFields) {
      complain(in_quotes(first_word(line.text)) + " has " + std::to_string(count) +
               " fields; an entry has service, type, private, unprivileged, chroot, wakeup, process limit and command");
      continue;
    }
    if (auto service = service_name(*service_of(line)); !service) complain(service.error());
  }
  return text;
}

std::string options(const Node& node, Complaints& complaints) {
  std::string all;
  if (node.kind != Kind::map) {
    complaints.push_back({node.place, std::string("options must be a map, not ") + word(node.kind)});
    return all;
  }
  for (const auto& [parameter, place, node_of_value] : node.entries) {
    if (auto name = parameter_name(parameter); !name) complaints.push_back({place, "options: " + name.error()});
    auto value = value_of(node_of_value, one_line(parameter), complaints);
    if (!value) continue;
    if (!balanced(*value))
      complaints.push_back({node_of_value.place, one_line(parameter) + ": each \"{\" needs its \"}\" in master.cf"});
    bool blank = value->find_first_of(" \t") != std::string::npos;
    all += blank ? " -o {" + parameter + " = " + *value + "}" : " -o " + parameter + "=" + *value;
  }
  return all;
}

/// The whole entry of a service, as one line.
std::string entry(const std::string& service, const Place& place, const Node& node, Complaints& complaints) {
  Reader reader(node, in_quotes(service), complaints);
  std::size_t slash = service.rfind('/');
  std::string line = service.substr(0, slash) + " " + service.substr(slash + 1);
  for (const char* field : {"private", "unprivileged", "chroot"})
    line += " " + reader.value(field, master_flag).value_or("-");
  line += " " + reader.value("wakeup", master_wakeup).value_or("-");
  line += " " + reader.value("process_limit", master_limit).value_or("-");
  const Node* command = reader.find("command");
  if (!command && node.kind == Kind::map)
    reader.complain(place, in_quotes(service) + " needs a command, such as smtpd");
  else if (command && command->kind != Kind::text)
    reader.is(*command, Kind::text, "command");
  else if (command)
    line += " " + value_of(*command, "command", complaints).value_or("");
  if (command && command->kind == Kind::text && command->text.find_first_not_of(" \t") == std::string::npos)
    reader.complain(command->place, "command: must not be empty");
  if (const Node* given = reader.find("options")) line += options(*given, complaints);
  reader.finish();
  return line;
}

}  // namespace

PostfixText decode_master_cf(const Node& node, Complaints& complaints) {
  if (node.kind == Kind::text) return block(node, complaints);
  PostfixText text;
  if (node.kind == Kind::list)
    complaints.push_back({node.place, "master.cf must be text (master.cf: |) or a map, not a list"});
  for (const auto& [service, place, value] : node.entries) {
    if (auto name = service_name(service); !name)
      complaints.push_back({place, "master.cf: " + name.error()});
    else
      add_line(text, entry(service, place, value, complaints), place);
  }
  return text;
}

}  // namespace postmultid::definitions
