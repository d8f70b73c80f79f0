// A definition, written by a person or by a generator that has gone wrong. The input: the main file; behind a line
// "%%", a file of conf.d.
#include <set>

#include "definitions/load.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/text.hpp"
#include "definitions/values.hpp"
#include "fuzz.hpp"

using namespace postmultid;
using namespace postmultid::definitions;

namespace {

bool is_utf8(const std::string& text) {
  for (std::size_t at = 0, length = 0; at < text.size(); at += length)
    if ((length = utf8_length(text, at)) == 0) return false;
  return true;
}

void look_at(const Complaint& complaint) {
  fuzz::always(complaint.place.file == "main" || complaint.place.file == "conf", "a complaint names one of the files");
  fuzz::always(complaint.place.line >= 0 && (complaint.place.line == 0 || complaint.place.column > 0),
               "a place is one");
  fuzz::always(!complaint.message.empty() && complaint.message.find('\n') == std::string::npos,
               "a message is one line");
  fuzz::always(complaint.message.size() < 1000 && is_utf8(complaint.message), "a message can be shown");
}

void look_at(const Supervise& supervise) {
  fuzz::always(supervise.start_limit.value_or(1) >= 1, "a start limit is at least 1");
  for (const auto& above_zero :
       {supervise.start_timeout, supervise.stop_timeout, supervise.start_limit_interval, supervise.restart_delay_max})
    fuzz::always(!above_zero || above_zero->count() > 0, "no limit is zero");
  if (supervise.restart_delay && supervise.restart_delay_max)
    fuzz::always(*supervise.restart_delay <= *supervise.restart_delay_max, "a delay is not above its maximum");
}

void look_at(const Companion& companion) {
  fuzz::always(companion.command.empty() || companion.command.front().starts_with('/'), "there is a program to run");
  fuzz::always(!companion.command.empty() + !companion.unit.text.empty() <= 1, "a companion is a unit or a command");
  fuzz::always(!companion.command.empty() || !companion.unit.text.empty() || companion.ready,
               "there is something to await");
  for (const std::string& word : companion.command)
    fuzz::always(word.find('\0') == std::string::npos, "a word reaches the program whole");
  fuzz::always(companion.directory.starts_with('/'), "a directory is absolute");
  fuzz::always(!companion.environment.contains("MAIL_CONFIG"), "no companion gets MAIL_CONFIG");
  fuzz::always(companion.stop_signal > 0 && companion.stop_signal != 9, "a companion can be asked to stop");
  if (companion.ready) {
    auto again = endpoint(companion.ready->text());
    fuzz::always(again && again->text() == companion.ready->text(), "an endpoint's text is one");
  }
  look_at(companion.supervise);
}

void look_at(const PostfixText& text) {
  fuzz::always(text.empty() || text.text.ends_with('\n'), "a text is lines");
  fuzz::always(physical_lines(text.text).size() == text.lines.size(), "every line has its place");
  for (const Place& place : text.lines)
    fuzz::always((place.file == "main" || place.file == "conf") && place.line > 0 && place.column > 0,
                 "the place of a line is one");
  fuzz::always(text.text.find_first_of(std::string("\0\r", 2)) == std::string::npos,
               "lines are ended by line feeds only");
}

void look_at(const Configuration& configuration) {
  look_at(configuration.main_cf);
  look_at(configuration.master_cf);
  std::set<std::string> removed, services;
  for (const Name& name : configuration.remove_main_cf) removed.insert(name.text);
  for (const Name& name : configuration.remove_master_cf) services.insert(name.text);
  // That each logical line is one setting means that no text goes on with the one before it.
  for (const LogicalLine& line : logical_lines(configuration.main_cf.text)) {
    auto setting = setting_of(line);
    fuzz::always(setting && parameter_name(setting->name), "main.cf sets what it may");
    fuzz::always(!removed.contains(setting->name), "nothing is both set and removed");
  }
  for (const LogicalLine& line : logical_lines(configuration.master_cf.text)) {
    auto service = service_of(line);
    fuzz::always(service && service_name(*service), "master.cf has services");
    fuzz::always(!services.contains(*service), "no service is both there and removed");
  }
  std::set<std::string> maps;
  for (const Map& map : configuration.maps) {
    fuzz::always(maps.insert(map.name.text).second && map.name.text.find('/') == std::string::npos,
                 "a map has a plain name of its own");
    fuzz::always(map.text.has_value() + !map.file.text.empty() + !map.from.empty() == 1, "a map has one source");
    if (map.text) look_at(*map.text);
  }
}

void look_at(const Definition& definition) {
  std::set<std::string> companions, members, groups;
  for (const Companion& companion : definition.companions) {
    look_at(companion);
    fuzz::always(companions.insert(companion.name.text).second, "no companion is there twice");
  }
  for (const Group& group : definition.groups) {
    fuzz::always(groups.insert(group.name.text).second, "no group is there twice");
    fuzz::always(!group.members.empty(), "a group has members");
    look_at(group.supervise);
    for (const Name& member : group.members) {
      fuzz::always(members.insert(member.text).second, "no member is there twice");
      fuzz::always(is_instance_name(member.text) || companions.contains(member.text), "every member is known");
    }
  }
  for (const std::string& companion : companions)
    fuzz::always(members.contains(companion), "every companion has a place in the order");
  for (const Instance& instance : definition.instances) {
    fuzz::always(is_instance_name(instance.name.text), "an instance has an instance's name");
    look_at(instance.supervise);
    look_at(instance.configuration);
    look_at(definition.configuration_of(instance));
    for (const Name& directory : {instance.directories.config, instance.directories.queue, instance.directories.data})
      fuzz::always(directory.text.empty() || directory.text.starts_with('/'), "a directory of an instance is absolute");
  }
  if (definition.primary) look_at(definition.configuration_of(*definition.primary));
  look_at(definition.defaults);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size), part;
  if (std::size_t border = text.find("\n%%\n"); border != std::string::npos) {
    part = text.substr(border + 4);
    text.erase(border + 1);
  }
  std::vector<Source> sources{{"main", text, true}};
  if (!part.empty()) sources.push_back({"conf", part});

  auto definition = load_sources(sources);
  if (definition) {
    look_at(*definition);
  } else {
    fuzz::always(!definition.error().empty(), "a refusal has a reason");
    for (const Complaint& complaint : definition.error()) look_at(complaint);
  }
  return 0;
}
