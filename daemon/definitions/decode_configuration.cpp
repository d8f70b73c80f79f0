// What a definition says of main.cf, master.cf and lookup tables: blocks in Postfix's own syntax, or maps, which are made into
// the same text. What a parameter or a service means is Postfix's to know; refused here is what it would misread in silence.
#include <algorithm>

#include "definitions/decode.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/reader.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

/// Parameters that are not main.cf's to set here, with what to write instead.
const std::vector<std::pair<std::string, std::string>> kReserved{
    {"config_directory", "directories: { config: … }"},
    {"queue_directory", "directories: { queue: … }"},
    {"data_directory", "directories: { data: … }"},
    {"multi_instance_name", "the name of the instance"},
    {"multi_instance_group", "groups:, with the instance among the members of one"},
    {"multi_instance_enable", "enabled: yes or no"},
    {"multi_instance_directories", "groups:, whose order is written there"},
    {"multi_instance_wrapper", "pmctl takeover, or pmctl wrapper install"},
};

std::string instead_of(const std::string& parameter) {
  auto found = std::ranges::find(kReserved, parameter, &std::pair<std::string, std::string>::first);
  return found == kReserved.end() ? "" : found->second;
}

bool is_parameter(const std::string& name) {
  auto fits = [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '_' || c == '-' || c == '.'); };
  return !name.empty() && std::ranges::all_of(name, fits);
}

Read<std::string> parameter_name(const std::string& name) {
  if (!is_parameter(name)) return std::unexpected(in_quotes(name) + " is no name of a parameter");
  if (std::string instead = instead_of(name); !instead.empty())
    return std::unexpected(name + " is not set here; write " + instead);
  return name;
}

/// "smtp/inet", "127.0.0.1:10026/inet".
Read<std::string> service_name(const std::string& text) {
  auto slash = text.rfind('/');
  std::string type = slash == std::string::npos ? "" : text.substr(slash + 1);
  bool known = type == "inet" || type == "unix" || type == "fifo" || type == "pass" || type == "unix-dgram";
  bool blank = text.find_first_of(" \t\n") != std::string::npos;
  if (!known || slash == 0 || blank)
    return std::unexpected(in_quotes(text) + " is no service; write NAME/TYPE, such as smtp/inet");
  return text;
}

Read<std::string> table_name(const std::string& name) {
  auto fits = [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '_' || c == '-' || c == '.'); };
  if (name.empty() || name.starts_with('.') || name.starts_with('-') || !std::ranges::all_of(name, fits))
    return std::unexpected(in_quotes(name) + " is no name for a file in the configuration directory");
  for (const char* taken :
       {"main.cf", "master.cf", "dynamicmaps.cf", "postfix-files", "main.cf.proto", "master.cf.proto"})
    if (name == taken) return std::unexpected(name + " is a file of Postfix's own");
  return name;
}

Read<std::string> table_type(const std::string& type) {
  auto fits = [](unsigned char c) { return std::islower(c) || std::isdigit(c); };
  if (type.empty() || !std::ranges::all_of(type, fits))
    return std::unexpected(in_quotes(type) + " is no type of table, such as hash, lmdb or pcre");
  return type;
}

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n')) + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

/// A text as it was written, with the place of each of its lines.
PostfixText text_of(const Node& node) {
  PostfixText text{node.text, {}};
  if (!text.text.empty() && !text.text.ends_with('\n')) text.text += '\n';
  for (std::size_t i = 0; i < line_count(text.text); ++i)
    text.lines.push_back(node.block == '|' ? Place{node.place.file, node.block_line + static_cast<int>(i),
                                                   std::max(node.block_column, 1)}
                                           : node.place);
  return text;
}

void add_line(PostfixText& text, const std::string& line, const Place& place) {
  text.text += line + "\n";
  text.lines.push_back(place);
}

class Decoding {
 public:
  Decoding(Reader& reader, Complaints& complaints) : reader_(reader), complaints_(complaints) {}

  Configuration run() {
    layer(reader_.find("main.cf"), &Decoding::main_cf);
    layer(reader_.find("master.cf"), &Decoding::master_cf);
    layer(reader_.find("remove"), &Decoding::remove);
    std::ranges::stable_sort(said_, {}, &Said::layer);
    for (const Said& each : said_) (this->*each.decode)(*each.node);
    if (const Node* maps = reader_.find("maps", Kind::map))
      for (const Entry& map : maps->entries) table(map);
    return std::move(configuration_);
  }

 private:
  using Decode = void (Decoding::*)(const Node&);
  struct Said {
    int layer;
    const Node* node;
    Decode decode;
  };

  /// What each file has said, the latest last. In one file what is taken away is not set as well.
  void layer(const Node* node, Decode decode) {
    if (!node) return;
    for (const Node& each : node->beneath) said_.push_back({each.layer, &each, decode});
    said_.push_back({node->layer, node, decode});
  }

  void complain(const Place& place, const std::string& message) { complaints_.push_back({place, message}); }

  Place place_in(const PostfixText& text, std::size_t line) const {
    return line < text.lines.size() ? text.lines[line] : Place{};
  }

  /// Whether it is a text that can be read line by line.
  bool is_block(const Node& node, const std::string& what) {
    if (node.kind != Kind::text) return false;
    if (node.block != '>') return true;
    complain(node.place, what + ": \">\" joins lines; write \"|\"");
    return false;
  }

  void main_cf(const Node& node) {
    PostfixText text;
    if (node.kind == Kind::map)
      text = settings_from(node);
    else if (node.kind == Kind::list)
      complain(node.place, "main.cf must be a block (|) or a map, not a list");
    else if (is_block(node, "main.cf"))
      text = text_of(node);
    check_settings(text);
    for (const Setting& setting : settings_of(text.text)) {
      forget(configuration_.remove_main_cf, setting.name, node, place_in(text, setting.first));
    }
    configuration_.main_cf.append(text);
  }

  /// A later file sets what an earlier one takes away; in one file that is a slip.
  void forget(std::vector<Name>& removed, const std::string& name, const Node& node, const Place& place) {
    std::erase_if(removed, [&](const Name& each) {
      if (each.text != name) return false;
      if (each.place.file == node.place.file)
        complain(place, in_quotes(name) + " is set here, and taken away at " + each.place.text());
      return true;
    });
  }

  void check_settings(const PostfixText& text) {
    auto lines = physical_lines(text.text);
    for (const LogicalLine& line : logical_lines(text.text)) {
      Place place = place_in(text, line.first);
      if (lines[line.first].find_first_of(" \t") == 0)
        complain(place, "begins with a blank, as only a line does that goes on with the one before");
      auto setting = setting_of(line);
      if (!setting)
        complain(place, in_quotes(line.text) + " is no \"parameter = value\"");
      else if (auto name = parameter_name(setting->name); !name)
        complain(place, name.error());
    }
  }

  PostfixText settings_from(const Node& map) {
    PostfixText text;
    for (const auto& [name, place, value] : map.entries) add_line(text, name + " = " + value_of(name, value), place);
    return text;
  }

  /// As Postfix reads it: a list is joined by commas.
  std::string value_of(const std::string& name, const Node& value) {
    if (value.kind == Kind::map) {
      complain(value.place, name + ": a map is no value; quote a text that begins with \"{\"");
      return "";
    }
    if (value.kind == Kind::text) return one_line_value(name, value);
    if (value.flow && value.items.size() == 1 && value.items[0].kind == Kind::text) {
      complain(value.place, name + ": YAML would take the brackets away; write \"[" + value.items[0].text + "]\"");
      return "";
    }
    std::string joined;
    for (const Node& item : value.items) {
      if (!reader_.is(item, Kind::text, "an entry of " + name)) continue;
      joined += (joined.empty() ? "" : ", ") + one_line_value(name, item);
    }
    return joined;
  }

  std::string one_line_value(const std::string& name, const Node& value) {
    std::string text = value.text;
    while (text.ends_with('\n')) text.pop_back();
    if (text.find('\n') == std::string::npos) return text;
    complain(value.place, name + ": has several lines; write a list, or main.cf as a block (|)");
    return "";
  }

  void master_cf(const Node& node) {
    PostfixText text;
    if (node.kind == Kind::map)
      text = services_from(node);
    else if (node.kind == Kind::list)
      complain(node.place, "master.cf must be a block (|) or a map, not a list");
    else if (is_block(node, "master.cf"))
      text = text_of(node);
    auto lines = physical_lines(text.text);
    for (const LogicalLine& line : logical_lines(text.text)) {
      Place place = place_in(text, line.first);
      if (lines[line.first].find_first_of(" \t") == 0)
        complain(place, "begins with a blank, as only a line does that goes on with the one before");
      if (lines[line.first].find_first_of(" \t") == 0) continue;
      auto fields = words(line.text);
      if (fields.size() < 8) {
        complain(place, in_quotes(line.text) + " has " + std::to_string(fields.size()) +
                            " of the 8 fields: service type private unpriv chroot wakeup maxproc command");
        continue;
      }
      std::string name = fields[0] + "/" + fields[1];
      if (auto read = service_name(name); !read) complain(place, read.error());
      forget(configuration_.remove_master_cf, name, node, place);
    }
    configuration_.master_cf.append(text);
  }

  static std::vector<std::string> words(const std::string& line) {
    std::vector<std::string> all;
    std::size_t at = 0;
    while ((at = line.find_first_not_of(" \t", at)) != std::string::npos) {
      std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
      all.push_back(line.substr(at, end - at));
      at = end;
    }
    return all;
  }

  PostfixText services_from(const Node& map) {
    PostfixText text;
    for (const auto& [name, place, value] : map.entries) {
      auto read = service_name(name);
      if (!read) {
        complain(place, read.error());
        continue;
      }
      if (!reader_.is(value, Kind::map, in_quotes(name))) continue;
      if (std::string line = service_from(name, value); !line.empty()) add_line(text, line, place);
    }
    return text;
  }

  std::string service_from(const std::string& name, const Node& node) {
    Reader reader(node, "a service of master.cf", complaints_);
    std::size_t slash = name.rfind('/');
    std::string line = name.substr(0, slash) + " " + name.substr(slash + 1);
    auto field = [](const std::string& text) -> Read<std::string> {
      if (text.empty() || text.find_first_of(" \t\n") != std::string::npos)
        return std::unexpected(in_quotes(text) + " is no field of master.cf");
      return text == "yes" ? "y" : text == "no" ? "n" : text;
    };
    for (const char* key : {"private", "unprivileged", "chroot", "wakeup", "process_limit"})
      line += " " + reader.value(key, field).value_or("-");
    auto command = reader.value("command", filled_text);
    if (!command && !node.find("command")) complain(node.place, in_quotes(name) + " needs a command, such as smtpd");
    line += " " + command.value_or("");
    if (const Node* options = reader.find("options", Kind::map))
      for (const auto& [option, place, value] : options->entries) line += " -o " + option_of(option, place, value);
    reader.finish();
    return command && line.find('\n') == std::string::npos ? line : "";
  }

  std::string option_of(const std::string& name, const Place& place, const Node& value) {
    if (!is_parameter(name)) complain(place, in_quotes(name) + " is no name of a parameter");
    std::string text = value_of(name, value);
    // postconf -M prints and takes it so.
    bool blank = text.find_first_of(" \t") != std::string::npos;
    return blank ? "{" + name + " = " + text + "}" : name + "=" + text;
  }

  void remove(const Node& node) {
    Reader reader(node, "remove", complaints_);
    auto settings = reader.texts("main.cf", parameter_name).value_or(std::vector<Name>{});
    auto services = reader.texts("master.cf", service_name).value_or(std::vector<Name>{});
    reader.finish();
    for (Name& name : settings)
      take_away(configuration_.main_cf, configuration_.remove_main_cf, std::move(name), false);
    for (Name& name : services)
      take_away(configuration_.master_cf, configuration_.remove_master_cf, std::move(name), true);
  }

  /// A later file takes away what an earlier one sets; in one file that is a slip.
  void take_away(PostfixText& text, std::vector<Name>& removed, Name name, bool service) {
    PostfixText rest;
    auto lines = physical_lines(text.text);
    std::vector<bool> gone(lines.size());
    for (const LogicalLine& line : logical_lines(text.text)) {
      auto fields = words(line.text);
      auto setting = setting_of(line);
      std::string here = service   ? (fields.size() > 1 ? fields[0] + "/" + fields[1] : "")
                         : setting ? setting->name
                                   : "";
      if (here != name.text) continue;
      Place place = place_in(text, line.first);
      if (place.file == name.place.file)
        complain(name.place, in_quotes(name.text) + " is taken away here, and set at " + place.text());
      for (std::size_t i = line.first; i < line.behind; ++i) gone[i] = true;
    }
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (!gone[i]) add_line(rest, lines[i], place_in(text, i));
    text = std::move(rest);
    removed.push_back(std::move(name));
  }

  void table(const Entry& entry) {
    const auto& [name, place, value] = entry;
    Map map;
    map.name = {name, place};
    if (auto read = table_name(name); !read) complain(place, read.error());
    if (value.kind == Kind::text) {
      if (is_block(value, name)) map.text = text_of(value);
    } else if (reader_.is(value, Kind::map, "the table " + in_quotes(name))) {
      table_from(map, value);
    }
    configuration_.maps.push_back(std::move(map));
  }

  void table_from(Map& map, const Node& node) {
    Reader reader(node, "a table", complaints_);
    if (const Node* type = reader.find("type", Kind::text))
      map.type = {reader.read(*type, "type", table_type).value_or(""), type->place};
    if (const Node* text = reader.find("text", Kind::text))
      if (is_block(*text, "text")) map.text = text_of(*text);
    if (const Node* file = reader.find("file", Kind::text))
      map.file = {reader.read(*file, "file", absolute_path).value_or(""), file->place};
    if (auto from = reader.texts("from", any_text)) {
      map.from_place = node.find("from")->value.place;
      for (const Name& word : *from) map.from.push_back(word.text);
      if (map.from.empty() || !map.from.front().starts_with('/'))
        complain(map.from_place, "from: the first word must be the absolute path of a program");
    }
    map.secret = reader.value("secret", yes_or_no).value_or(false);
    int sources = (node.find("text") ? 1 : 0) + (node.find("file") ? 1 : 0) + (node.find("from") ? 1 : 0);
    if (sources != 1)
      complain(node.place, "the table " + in_quotes(map.name.text) + (sources ? " has more than" : " needs") +
                               " one of text, file and from");
    reader.finish();
  }

  Reader& reader_;
  Complaints& complaints_;
  Configuration configuration_;
  std::vector<Said> said_;
};

}  // namespace

Configuration decode_configuration(Reader& reader, Complaints& complaints) {
  return Decoding(reader, complaints).run();
}

}  // namespace postmultid::definitions
