#include "definitions/decode.hpp"
#include "definitions/postfix_text.hpp"
#include "definitions/values.hpp"

namespace postmultid::definitions {

namespace {

/// A map of a map's keys: its source is in one of three.
void decode_source(const Node& node, Map& map, Complaints& complaints) {
  Reader reader(node, "map " + in_quotes(map.name.text), complaints);
  map.type = reader.placed("type", map_type);
  if (const Node* text = reader.find("text", Kind::text)) map.text = text_of(*text, "text", complaints);
  map.file = reader.placed("file", absolute_path);
  map.from = reader.command("from");
  if (const Entry* from = node.find("from")) map.from_place = from->value.place;
  map.secret = reader.value("secret", yes_or_no).value_or(false);
  reader.finish();

  std::vector<const Entry*> sources;
  for (const char* key : {"text", "file", "from"})
    if (const Entry* source = node.find(key)) sources.push_back(source);
  std::string called = "map " + in_quotes(map.name.text);
  if (sources.size() > 1)
    reader.complain(sources[1]->place, called + " has both " + sources[0]->key + " and " + sources[1]->key);
  if (sources.empty() && node.kind == Kind::map)
    reader.complain(map.name.place, called + " has no source: it needs one of text, file and from");
}

Map decode_map(const Entry& entry, Complaints& complaints) {
  Map map{.name = {entry.key, entry.place}};
  if (auto name = map_name(entry.key); !name) complaints.push_back({entry.place, "maps: " + name.error()});
  if (entry.value.kind == Kind::list)
    complaints.push_back({entry.value.place, in_quotes(entry.key) + " in maps must be text (" + one_line(entry.key) +
                                                 ": |) or a map, not a list"});
  if (entry.value.kind == Kind::text) map.text = text_of(entry.value, one_line(entry.key), complaints);
  if (entry.value.kind == Kind::map) decode_source(entry.value, map, complaints);
  return map;
}

}  // namespace

std::vector<Map> decode_maps(const Node& node, Complaints& complaints) {
  Reader reader(node, "maps", complaints);
  std::vector<Map> maps;
  for (const Entry& entry : node.entries) maps.push_back(decode_map(entry, complaints));
  return maps;
}

}  // namespace postmultid::definitions
