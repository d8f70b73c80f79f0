#include "definitions/lint.hpp"

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "definitions/logical_lines.hpp"

namespace postmultid::definitions {

namespace {

constexpr std::size_t kLongestHop = 300;

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t,", at)) != std::string::npos;) {
    std::size_t end = std::min(text.find_first_of(" \t,", at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end;
  }
  return all;
}

/// As services(5) has them; others stay as they are.
std::string port_of(const std::string& name) {
  static const std::map<std::string, std::string> ports{
      {"smtp", "25"}, {"submission", "587"}, {"submissions", "465"}, {"smtps", "465"}, {"qmqp", "628"}};
  auto found = ports.find(name);
  return found == ports.end() ? name : found->second;
}

struct Listener {
  std::set<std::string> hosts;  // "all": any
  std::string port;
  Place place;
};

/// Where mail is handed on to, on this host.
struct Hop {
  std::string port;
  Place place;
};

/// What is written about one instance.
struct Subject {
  Name name;
  std::map<std::string, std::pair<std::string, Place>> settings;  // the last word on each
  std::vector<Listener> listeners;
  std::vector<Hop> hops;
  std::size_t turn = 0;  // in the start order

  std::string value(const std::string& parameter) const {
    auto found = settings.find(parameter);
    return found == settings.end() ? "" : found->second.first;
  }
};

bool is_here(const std::string& host) {
  return host == "[127.0.0.1]" || host == "127.0.0.1" || host == "[localhost]" || host == "localhost" ||
         host == "[::1]" || host == "[ipv6:::1]";
}

/// "smtp:[127.0.0.1]:10025", "[127.0.0.1]:25": the port, if that is this host.
std::optional<std::string> port_here(const std::string& destination) {
  static const std::regex hop("^(?:[a-z0-9_-]+:)?(\\[[^\\]]*\\]|[^\\[\\]:]+)(?::([A-Za-z0-9]+))?$");
  std::smatch match;
  // std::regex needs stack for every character.
  if (destination.size() > kLongestHop) return std::nullopt;
  if (!std::regex_match(destination, match, hop) || !is_here(match[1])) return std::nullopt;
  return match[2].matched ? port_of(match[2]) : "25";
}

class Lint {
 public:
  explicit Lint(const Definition& definition) : definition_(definition) {
    if (definition.primary) add(*definition.primary);
    for (const Instance& instance : definition.instances) add(instance);
    give_turns();
  }

  Complaints run() {
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      look_at_name(subjects_[i]);
      look_at_hops(subjects_[i]);
      for (std::size_t j = 0; j < i; ++j) compare(subjects_[j], subjects_[i]);
    }
    directories();
    return std::move(complaints_);
  }

 private:
  void complain(const Place& place, const std::string& message) { complaints_.push_back({place, message}); }

  static Place place_in(const PostfixText& text, std::size_t line) {
    return line < text.lines.size() ? text.lines[line] : Place{};
  }

  void add(const Instance& instance) {
    Subject subject{instance.name, {}, {}, {}, 0};
    Configuration all = definition_.configuration_of(instance);
    for (const Setting& setting : settings_of(all.main_cf.text))
      subject.settings[setting.name] = {setting.value, place_in(all.main_cf, setting.first)};
    for (const char* parameter :
         {"relayhost", "default_transport", "relay_transport", "virtual_transport", "content_filter"})
      if (auto found = subject.settings.find(parameter); found != subject.settings.end())
        if (auto port = port_here(found->second.first)) subject.hops.push_back({*port, found->second.second});
    add_listeners(subject, instance, all);
    subjects_.push_back(std::move(subject));
  }

  /// A new instance has Postfix's stock smtp service, unless that is taken away.
  void add_listeners(Subject& subject, const Instance& instance, const Configuration& all) {
    auto disabled = words(subject.value("master_service_disable"));
    if (std::ranges::find(disabled, "inet") != disabled.end()) return;
    bool stock = instance.name.text != "-" &&
                 std::ranges::none_of(all.remove_master_cf, [](const Name& each) { return each.text == "smtp/inet"; });
    for (const LogicalLine& line : logical_lines(all.master_cf.text)) {
      auto fields = words(line.text);
      if (fields.size() < 2 || fields[1] != "inet") continue;
      if (fields[0] == "smtp") stock = false;
      subject.listeners.push_back(listener(subject, fields[0], place_in(all.master_cf, line.first)));
    }
    if (stock) subject.listeners.push_back(listener(subject, "smtp", instance.name.place));
  }

  static Listener listener(const Subject& subject, const std::string& name, const Place& place) {
    auto colon = name.rfind(':');
    Listener listener{{}, port_of(colon == std::string::npos ? name : name.substr(colon + 1)), place};
    if (colon != std::string::npos) {
      listener.hosts = {name.substr(0, colon)};
      return listener;
    }
    auto interfaces = words(subject.value("inet_interfaces"));
    if (interfaces.empty()) interfaces = {"all"};
    for (const std::string& word : interfaces)
      if (word == "loopback-only")
        listener.hosts.insert({"127.0.0.1", "[::1]"});
      else
        listener.hosts.insert(word);
    return listener;
  }

  void give_turns() {
    std::map<std::string, std::size_t> turns;
    std::size_t turn = subjects_.size();
    for (const Group& group : definition_.groups)
      for (const Name& member : group.members) turns[member.text] = ++turn;
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      auto found = turns.find(subjects_[i].name.text);
      subjects_[i].turn = found == turns.end() ? i : found->second;
    }
  }

  /// filter.d/postfix.conf of fail2ban 1.0: postfix(-\w+)?/\w+.
  void look_at_name(const Subject& subject) {
    static const std::regex seen("postfix(-[A-Za-z0-9_]+)?");
    const std::string& name = subject.name.text;
    if (name == "-" || name.starts_with('/')) return;
    std::string logged = subject.value("syslog_name").empty() ? name : subject.value("syslog_name");
    if (!std::regex_match(logged, seen))
      complain(subject.name.place, "fail2ban's filter does not know log lines of " + in_quotes(logged) +
                                       ": use letters, digits and _ behind \"postfix-\"");
  }

  /// Who is handed mail by the loopback starts before who hands it on.
  void look_at_hops(const Subject& subject) {
    for (const Hop& hop : subject.hops)
      for (const Subject& other : subjects_)
        for (const Listener& listener : other.listeners) {
          bool there = listener.hosts.contains("127.0.0.1") || listener.hosts.contains("all");
          if (&other == &subject || listener.port != hop.port || !there) continue;
          if (other.turn > subject.turn && subject.name.text != "-")
            complain(hop.place, subject.name.text + " hands mail to " + other.name.text + ", which starts later; put " +
                                    other.name.text + " before it in its group");
          if (hop.port == "25" && !subject.value("myhostname").empty() &&
              subject.value("myhostname") == other.value("myhostname"))
            complain(hop.place, "mail would loop: " + other.name.text + " has the same myhostname, " +
                                    subject.value("myhostname") + ", and is spoken to at port 25");
        }
  }

  void compare(const Subject& first, const Subject& second) {
    for (const Listener& here : second.listeners)
      for (const Listener& there : first.listeners) {
        bool meet = here.hosts.contains("all") || there.hosts.contains("all") ||
                    std::ranges::any_of(here.hosts, [&](const auto& host) { return there.hosts.contains(host); });
        if (here.port != there.port || !meet) continue;
        complain(here.place, second.name.text + " would listen at port " + here.port + " as " + first.name.text +
                                 " does (" + there.place.text() +
                                 "): both would start, and each gets some of the connections");
      }
    for (const char* parameter : {"syslog_name", "maillog_file"}) {
      auto here = second.settings.find(parameter), there = first.settings.find(parameter);
      if (here == second.settings.end() || there == first.settings.end() || here->second.first.empty()) continue;
      if (here->second.first != there->second.first) continue;
      complain(here->second.second, std::string(parameter) + " is that of " + first.name.text +
                                        " already: nobody could tell whose line is whose");
    }
  }

  void directories() {
    std::map<std::string, const Instance*> owners;
    for (const Instance& instance : definition_.instances)
      for (const Name* directory :
           {&instance.directories.config, &instance.directories.queue, &instance.directories.data}) {
        if (directory->text.empty()) continue;
        auto [owner, fresh] = owners.try_emplace(directory->text, &instance);
        if (!fresh)
          complain(directory->place, directory->text + " is a directory of " + owner->second->name.text + " already");
      }
  }

  const Definition& definition_;
  std::vector<Subject> subjects_;
  Complaints complaints_;
};

}  // namespace

Complaints lint(const Definition& definition) { return Lint(definition).run(); }

}  // namespace postmultid::definitions
