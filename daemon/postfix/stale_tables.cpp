#include "postfix/stale_tables.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "definitions/logical_lines.hpp"
#include "host/proc.hpp"
#include "postfix/tables.hpp"

namespace postmultid::postfix {

namespace {

// More tables than that nobody looks at, and no path is longer; parameters that name each other come to an end.
constexpr std::size_t kMostTables = 200, kLongestPath = 4096;
constexpr int kDeepest = 8;
constexpr std::chrono::seconds kGrace{100};

using Values = std::map<std::string, std::string>;

Values values_of(const std::string& main_cf, const Instance& instance) {
  Values values;
  for (definitions::Setting& setting : definitions::settings_of(main_cf))
    values[setting.name] = std::move(setting.value);
  values["config_directory"] = instance.config_directory;
  values["queue_directory"] = instance.queue_directory;
  values["data_directory"] = instance.data_directory;
  return values;
}

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// With the values of $name, ${name} and $(name) in it; nothing where one is not known, or more is asked of it.
std::optional<std::string> expanded(const std::string& text, const Values& values, int depth = 0) {
  std::size_t dollar = text.find('$');
  if (dollar == std::string::npos) return text;
  if (depth == kDeepest || text.size() > kLongestPath) return std::nullopt;
  std::string result;
  std::size_t told = 0;
  for (; dollar != std::string::npos; dollar = text.find('$', told)) {
    result += text.substr(told, dollar - told);
    std::size_t begin = dollar + 1;
    char open = begin < text.size() ? text[begin] : '\0', close = open == '{' ? '}' : open == '(' ? ')' : '\0';
    if (close) ++begin;
    std::size_t end = begin;
    while (end < text.size() && is_of_a_name(text[end])) ++end;
    auto value = values.find(text.substr(begin, end - begin));
    bool closed = !close || (end < text.size() && text[end] == close);
    if (value == values.end() || !closed) return std::nullopt;
    result += value->second;
    told = close ? end + 1 : end;
  }
  return expanded(result + text.substr(told), values, depth + 1);
}

void find_tables(const std::string& text, const Values& values, std::vector<std::string>& found) {
  for (const TableName& table : tables_in(text)) {
    if (!is_indexed(table.type)) continue;
    auto path = expanded(table.path, values);
    if (!path || !path->starts_with('/')) continue;
    std::string name = table.type + ":" + *path;
    if (found.size() < kMostTables && std::ranges::find(found, name) == found.end()) found.push_back(name);
  }
}

bool is_stale(const std::string& table, std::chrono::system_clock::time_point now) {
  std::size_t colon = table.find(':');
  std::string source = table.substr(colon + 1);
  auto written = host::written_at(source), made = host::written_at(table_file(table.substr(0, colon), source));
  bool settled = written && *written < now - kGrace;
  return settled && (!made || *written > *made);
}

}  // namespace

std::vector<std::string> tables_named(const Files& files, const Instance& instance) {
  Values values = values_of(files.main_cf, instance);
  std::vector<std::string> found;
  for (const std::string* text : {&files.main_cf, &files.master_cf})
    for (const definitions::LogicalLine& line : definitions::logical_lines(*text))
      find_tables(line.text, values, found);
  return found;
}

std::vector<std::string> stale_tables(const std::vector<std::string>& tables,
                                      std::chrono::system_clock::time_point now) {
  std::vector<std::string> stale;
  std::ranges::copy_if(tables, std::back_inserter(stale), [&](const auto& table) { return is_stale(table, now); });
  return stale;
}

}  // namespace postmultid::postfix
