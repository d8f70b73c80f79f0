#include "postfix/versions.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "definitions/logical_lines.hpp"
#include "host/atomic_file.hpp"
#include "host/proc.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 1024 * 1024, kKept = 10;
// Sorts as time does.
constexpr char kStamp[] = "{:%Y%m%dT%H%M%S}.{:03}";

std::string stamp_of(std::chrono::system_clock::time_point at) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(at - seconds);
  return fmt::format(kStamp, fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), milliseconds.count());
}

std::optional<std::chrono::system_clock::time_point> time_of(const std::string& stamp) {
  std::tm parts{};
  const char* rest = ::strptime(stamp.c_str(), "%Y%m%dT%H%M%S", &parts);
  if (!rest || *rest != '.' || stamp.size() != 19) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) +
         std::chrono::milliseconds(std::strtoul(rest + 1, nullptr, 10));
}

}  // namespace

Result<Version> Versions::keep(const std::string& config_directory, const Files& files,
                               std::chrono::system_clock::time_point at) const {
  Version version{at, directory_ + config_directory + "/" + stamp_of(at)};
  auto done = host::replace_file(version.directory + "/main.cf", files.main_cf);
  if (done) done = host::replace_file(version.directory + "/master.cf", files.master_cf);
  if (!done) return std::unexpected(done.error());
  auto all = of(config_directory);
  std::error_code ignored;
  for (std::size_t i = kKept; i < all.size(); ++i) fs::remove_all(all[i].directory, ignored);
  return version;
}

std::vector<Version> Versions::of(const std::string& config_directory) const {
  std::vector<Version> versions;
  std::error_code error;
  for (fs::directory_iterator entry(directory_ + config_directory, error), end; !error && entry != end;
       entry.increment(error))
    if (auto at = time_of(entry->path().filename())) versions.push_back({*at, entry->path()});
  std::ranges::sort(versions, std::greater(), &Version::at);
  return versions;
}

Result<Files> read_files(const std::string& directory) {
  Files files;
  for (auto [name, text] : {std::pair("/main.cf", &files.main_cf), std::pair("/master.cf", &files.master_cf)}) {
    errno = 0;
    auto read = host::read_small_file(directory + name, kLargestFile);
    if (!read) return std::unexpected(model::system_error("read " + directory + name, errno ? errno : EIO));
    if (read->size() == kLargestFile) return model::failure(directory + name + " is above 1 MiB");
    *text = std::move(*read);
  }
  return files;
}

Result<void> write_files(const std::string& config_directory, const Files& files) {
  auto before = read_files(config_directory);
  if (!before) return std::unexpected(before.error());
  auto write = [&](const char* name, const std::string& now, const std::string& text) -> Result<void> {
    std::string path = config_directory + name;
    return now == text ? Result<void>{} : host::replace_file(path, text, host::same_as(path), kNobodyWaits);
  };
  auto written = write("/master.cf", before->master_cf, files.master_cf);
  if (!written) return written;
  written = write("/main.cf", before->main_cf, files.main_cf);
  if (written) return written;
  if (auto undone = write("/master.cf", files.master_cf, before->master_cf); !undone)
    return std::unexpected(
        model::Error{written.error().message + "; master.cf is the new one already: " + undone.error().message,
                     written.error().number});
  return written;
}

bool is_about_membership(const std::string& parameter) { return parameter.starts_with("multi_instance_"); }

namespace {

std::string without_membership(const std::string& main_cf) {
  auto lines = definitions::physical_lines(main_cf);
  std::set<std::size_t> left_out;
  for (const definitions::Setting& setting : definitions::settings_of(main_cf))
    if (is_about_membership(setting.name))
      for (std::size_t line = setting.first; line < setting.behind; ++line) left_out.insert(line);
  std::string rest;
  for (std::size_t line = 0; line < lines.size(); ++line)
    if (!left_out.contains(line)) rest += lines[line] + "\n";
  return rest;
}

}  // namespace

bool differ_in_membership_only(const Files& one, const Files& other) {
  return one.master_cf == other.master_cf && without_membership(one.main_cf) == without_membership(other.main_cf);
}

namespace {

std::string record_of(const std::string& directory, const std::string& config_directory) {
  return directory + config_directory + "/declared.json";
}

}  // namespace

Declared declared_before(const std::string& directory, const std::string& config_directory) {
  Declared declared;
  auto text = host::read_small_file(record_of(directory, config_directory), kLargestFile);
  auto record = nlohmann::json::parse(text.value_or(""), nullptr, false);
  if (!record.is_object()) return declared;
  for (auto [key, list] : {std::pair("settings", &declared.settings), std::pair("services", &declared.services),
                           std::pair("maps", &declared.maps)})
    for (const auto& name : record.value(key, nlohmann::json::array()))
      if (name.is_string()) list->push_back(name);
  return declared;
}

Result<void> remember_declared(const std::string& directory, const std::string& config_directory,
                               const Declared& declared) {
  if (declared == declared_before(directory, config_directory)) return {};
  nlohmann::json record{{"settings", declared.settings}, {"services", declared.services}, {"maps", declared.maps}};
  return host::replace_file(record_of(directory, config_directory), record.dump(1) + "\n");
}

void forget_declared(const std::string& directory, const std::string& config_directory) {
  std::error_code ignored;
  fs::remove(record_of(directory, config_directory), ignored);
}

}  // namespace postmultid::postfix
