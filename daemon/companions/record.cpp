#include "companions/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "host/fd.hpp"
#include "host/proc.hpp"

namespace postmultid::companions {

using nlohmann::json;

namespace {

std::string this_boot() {
  std::string id = host::read_small_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace

std::optional<Record> read_record(const std::string& path) {
  auto text = host::read_small_file(path, 4096);
  if (!text) return std::nullopt;
  json document = json::parse(*text, nullptr, false);
  try {
    // A fraction or a number of twenty digits would be converted to anything.
    if (!document.at("pid").is_number_unsigned() || !document.at("start_ticks").is_number_unsigned())
      return std::nullopt;
    auto pid = document.at("pid").get<std::uint64_t>();
    Record record{static_cast<pid_t>(pid), document.at("start_ticks"), document.at("boot_id")};
    if (pid == 0 || pid > std::numeric_limits<pid_t>::max() || record.boot_id != this_boot()) return std::nullopt;
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

model::Result<void> write_record(const std::string& path, pid_t pid, std::uint64_t start_ticks) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::string text = json{{"pid", pid}, {"start_ticks", start_ticks}, {"boot_id", this_boot()}}.dump() + "\n";
  // No companion's name begins so.
  auto place = std::filesystem::path(path);
  std::string fresh = place.parent_path() / ("." + place.filename().string());
  host::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(model::system_error("open " + fresh));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return std::unexpected(model::system_error("write " + fresh));
  if (::rename(fresh.c_str(), path.c_str()) < 0) return std::unexpected(model::system_error("rename " + fresh));
  return {};
}

}  // namespace postmultid::companions
