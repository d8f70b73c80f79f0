#include "postfix/exporter.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "definitions/logical_lines.hpp"
#include "definitions/text.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "postfix/draft.hpp"
#include "postfix/tables.hpp"
#include "postfix/versions.hpp"

namespace postmultid::postfix {

using definitions::logical_lines;
using definitions::LogicalLine;
using definitions::physical_lines;
using definitions::setting_of;
using model::Result;

namespace {

// The source of a larger table stays in its file.
constexpr std::size_t kLargestText = 256 * 1024;

// They have keys of their own in a definition, or are postmultid's.
const std::set<std::string> kNotExported{"config_directory",           "queue_directory",       "data_directory",
                                         "multi_instance_name",        "multi_instance_group",  "multi_instance_enable",
                                         "multi_instance_directories", "multi_instance_wrapper"};

using Values = std::map<std::string, std::string>;

Values settings_in(const std::string& main_cf) {
  Values values;
  for (auto& setting : definitions::settings_of(main_cf)) values[setting.name] = std::move(setting.value);
  return values;
}

std::string service_key(const std::string& line) {
  auto fields = split_words(line);
  return fields.size() < 2 ? line : fields[0] + "/" + fields[1];
}

Values services_in(const std::string& output) {
  Values values;
  for (const std::string& line : physical_lines(output))
    if (!line.empty()) values[service_key(line)] = line;
  return values;
}

std::string kept_name(const LogicalLine& line, bool services) {
  if (services) return service_key(line.text);
  auto setting = setting_of(line);
  return setting ? setting->name : "";
}

/// The lines of a file that say something which is wanted, with the comments that stand before them and are not Postfix's own.
std::string excerpt(const std::string& text, const std::set<std::string>& wanted, bool services,
                    const std::set<std::string>& stock) {
  auto lines = physical_lines(text);
  auto is_own_comment = [&](const std::string& line) {
    auto first = line.find_first_not_of(" \t");
    return first != std::string::npos && line[first] == '#' && !stock.contains(line);
  };
  std::string result;
  std::size_t next = 0;
  for (const LogicalLine& line : logical_lines(text)) {
    if (wanted.contains(kept_name(line, services))) {
      for (std::size_t i = next; i < line.first; ++i)
        if (is_own_comment(lines[i])) result += lines[i] + "\n";
      for (std::size_t i = line.first; i < line.behind; ++i) result += lines[i] + "\n";
    }
    next = line.behind;
  }
  for (std::size_t i = next; i < lines.size(); ++i)
    if (is_own_comment(lines[i])) result += lines[i] + "\n";
  return result;
}

std::string quoted(const std::string& text) {
  bool plain = !text.empty() && std::string_view("abcdefghijklmnopqrstuvwxyz/").contains(text[0]) &&
               text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_./-") == std::string::npos;
  if (plain && text != "null" && text != "true" && text != "false" && text != "yes" && text != "no") return text;
  std::string result = "\"";
  for (char c : text) result += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  return result + "\"";
}

std::string list_of(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + quoted(word);
  return "[" + list + "]";
}

struct Table {
  std::string name, type, path, text;
  bool secret = false, in_file = false;
};

/// The sources of tables in the instance's own directory that its main.cf names. `expanded`: postconf -xn.
std::vector<Table> tables_of(const std::string& config_directory, const std::string& expanded) {
  std::map<std::string, Table> tables;
  for (const std::string& line : physical_lines(expanded)) {
    // Aliases are built by postalias.
    if (line.starts_with("alias_maps") || line.starts_with("alias_database")) continue;
    for (const auto& [type, written] : tables_in(line)) {
      std::filesystem::path path = written;
      std::string name = path.filename();
      bool plain = type == "texthash" || type == "regexp" || type == "pcre" || type == "cidr";
      if (path.parent_path() != config_directory || (!is_indexed(type) && !plain)) continue;
      auto text = host::read_small_file(path, kLargestText + 1);
      struct stat status {};
      if (!text || ::stat(path.c_str(), &status) < 0) continue;
      Table table{name, type, path, *text};
      table.secret = (status.st_mode & 0004) == 0;
      table.in_file = table.secret || text->size() > kLargestText || definitions::not_text(path, *text) ||
                      text->find('\r') != std::string::npos || (!text->empty() && !text->ends_with('\n'));
      // One that is named twice is as postmap has to make it.
      auto known = tables.find(name);
      if (known == tables.end() || !is_indexed(known->second.type)) tables[name] = std::move(table);
    }
  }
  std::vector<Table> all;
  for (auto& [name, table] : tables) all.push_back(std::move(table));
  return all;
}

std::set<std::string> lines_of(const std::string& text) {
  auto lines = physical_lines(text);
  return {lines.begin(), lines.end()};
}

class Exporter {
 public:
  Exporter(Tools& tools, std::vector<Listed> listed) : tools_(tools), listed_(std::move(listed)) {}

  asio::awaitable<Result<std::string>> run() {
    auto stock = co_await files_of_new_instance(tools_, primary().config_directory);
    if (!stock) co_return std::unexpected(stock.error());
    stock_ = std::move(*stock);
    auto services = co_await services_of_stock();
    if (!services) co_return std::unexpected(services.error());
    stock_services_ = std::move(*services);
    std::string instances;
    for (const Listed& each : listed_) {
      if (each.broken) co_return model::failure(each.instance.id.text + ": " + each.broken->message);
      auto written = co_await write(each.instance);
      if (!written) co_return std::unexpected(written.error().within(each.instance.id.text));
      instances += *written;
    }
    co_return head() + groups() + instances;
  }

 private:
  const Instance& primary() const { return listed_.front().instance; }

  std::string head() const {
    return "# Made by pmctl export of Postfix " + primary().mail_version +
           ". It says what these instances' files say; of how they are\n"
           "# supervised, of companions and of the daemon nothing: a definition that was in force has that.\n"
           "version: 1\n";
  }

  std::string groups() const {
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;
    for (const Listed& each : listed_) {
      const Instance& instance = each.instance;
      if (instance.group.empty() || instance.primary) continue;
      auto group = std::ranges::find(groups, instance.group, &decltype(groups)::value_type::first);
      if (group == groups.end()) group = groups.insert(groups.end(), {instance.group, {}});
      group->second.push_back(instance.id.text);
    }
    std::string text = groups.empty() ? "" : "\ngroups:\n";
    for (const auto& [name, members] : groups)
      text += "- name: " + quoted(name) + "\n  members: " + list_of(members) + "\n";
    return text;
  }

  asio::awaitable<Result<Values>> services_of_stock() {
    auto write = [files = stock_]() -> Result<host::TemporaryDirectory> { return directory_with(files); };
    auto directory = co_await host::offload(tools_.pool(), std::move(write));
    if (!directory) co_return std::unexpected(directory.error());
    auto output = co_await tools_.postconf(words("-c", directory->path(), "-M"));
    if (!output) co_return std::unexpected(output.error());
    co_return services_in(*output);
  }

  asio::awaitable<Result<std::string>> write(Instance instance) {
    const std::string& directory = instance.config_directory;
    auto read = [directory] { return read_files(directory); };
    auto files = co_await host::offload(tools_.pool(), std::move(read));
    if (!files) co_return std::unexpected(files.error());
    for (auto [name, text] : {std::pair("/main.cf", &files->main_cf), std::pair("/master.cf", &files->master_cf)})
      if (auto odd = definitions::not_text(directory + name, *text))
        co_return model::failure(odd->place.text() + ": " + odd->message +
                                 "; no definition can say that: mend the line first");
    auto output = co_await tools_.postconf(words("-c", directory, "-M"));
    if (!output) co_return std::unexpected(output.error());
    auto expanded = co_await tools_.postconf(words("-c", directory, "-xn"));
    if (!expanded) co_return std::unexpected(expanded.error());
    auto look = [directory, text = std::move(*expanded)] { return tables_of(directory, text); };
    auto tables = co_await host::offload(tools_.pool(), std::move(look));
    co_return text_of(instance, *files, services_in(*output), tables);
  }

  std::string text_of(const Instance& instance, const Files& files, const Values& services,
                      const std::vector<Table>& tables) const {
    // Of the primary nobody knows what it would be like elsewhere: all of it is said.
    std::set<std::string> wanted_settings, wanted_services;
    std::vector<std::string> gone_settings, gone_services;
    Values settings = settings_in(files.main_cf), stock = settings_in(stock_.main_cf);
    for (const auto& [name, value] : settings) {
      auto usual = stock.find(name);
      bool same = !instance.primary && usual != stock.end() && usual->second == value;
      if (!same && !kNotExported.contains(name)) wanted_settings.insert(name);
    }
    for (const auto& [name, value] : stock)
      if (!instance.primary && !settings.contains(name) && !kNotExported.contains(name)) gone_settings.push_back(name);
    for (const auto& [name, line] : services) {
      auto usual = stock_services_.find(name);
      if (usual == stock_services_.end() || usual->second != line) wanted_services.insert(name);
    }
    for (const auto& [name, line] : stock_services_)
      if (!services.contains(name)) gone_services.push_back(name);

    std::string text =
        instance.primary ? "\nprimary:\n" : first_instance(instance) + "- name: " + quoted(instance.id.text) + "\n";
    if (!instance.primary && !instance.enabled) text += "  enabled: no\n";
    text += directories_of(instance);
    std::string main_cf = excerpt(files.main_cf, wanted_settings, false, lines_of(stock_.main_cf));
    std::string master_cf = excerpt(files.master_cf, wanted_services, true, lines_of(stock_.master_cf));
    if (!main_cf.empty()) text += "  main.cf: " + yaml_block(main_cf, 4);
    if (!master_cf.empty()) text += "  master.cf: " + yaml_block(master_cf, 4);
    if (!gone_settings.empty() || !gone_services.empty()) text += "  remove:\n";
    if (!gone_settings.empty()) text += "    main.cf: " + list_of(gone_settings) + "\n";
    if (!gone_services.empty()) text += "    master.cf: " + list_of(gone_services) + "\n";
    if (!tables.empty()) text += "  maps:\n";
    for (const Table& table : tables) text += text_of(table);
    return text == "\nprimary:\n" ? "" : text;
  }

  std::string first_instance(const Instance& instance) const {
    auto secondary = [](const Listed& each) { return !each.instance.primary; };
    auto first = std::ranges::find_if(listed_, secondary);
    return first->instance.id == instance.id ? "\ninstances:\n" : "";
  }

  std::string directories_of(const Instance& instance) const {
    if (instance.primary) return "";
    auto beside = [&](const std::string& path) {
      return (std::filesystem::path(path).parent_path() / instance.name).string();
    };
    std::string list;
    for (auto [key, is, usual] : {std::tuple("config", &instance.config_directory, beside(primary().config_directory)),
                                  std::tuple("queue", &instance.queue_directory, beside(primary().queue_directory)),
                                  std::tuple("data", &instance.data_directory, beside(primary().data_directory))})
      if (*is != usual && instance.id.text != *is)
        list += (list.empty() ? "" : ", ") + std::string(key) + ": " + quoted(*is);
    return list.empty() ? "" : "  directories: { " + list + " }\n";
  }

  static std::string text_of(const Table& table) {
    std::string text = "    " + quoted(table.name) + ":\n      type: " + table.type + "\n";
    if (table.secret) text += "      secret: yes\n";
    if (table.in_file) return text + "      file: " + quoted(table.path) + "\n";
    if (table.text.empty()) return text + "      text: \"\"\n";
    return text + "      text: " + yaml_block(table.text, 8);
  }

  Tools& tools_;
  std::vector<Listed> listed_;
  Files stock_;
  Values stock_services_;
};

}  // namespace

std::string yaml_block(const std::string& text, std::size_t indent) {
  auto lines = physical_lines(text);
  auto first = std::ranges::find_if(lines, [](const std::string& line) { return !line.empty(); });
  // YAML would take its first blanks for the indentation.
  bool says_indentation = first != lines.end() && (*first)[0] == ' ';
  std::size_t empty_at_end = 0;
  while (empty_at_end < lines.size() && lines[lines.size() - 1 - empty_at_end].empty()) ++empty_at_end;
  std::string block = std::string("|") + (says_indentation ? "2" : "") + (empty_at_end ? "+" : "") + "\n";
  for (const std::string& line : lines) block += (line.empty() ? "" : std::string(indent, ' ')) + line + "\n";
  return block;
}

asio::awaitable<Result<std::string>> export_definition(Tools& tools, std::vector<Listed> listed) {
  Exporter exporter(tools, std::move(listed));
  co_return co_await exporter.run();
}

}  // namespace postmultid::postfix
