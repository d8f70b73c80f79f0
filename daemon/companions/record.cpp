#include "companions/record.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "host/atomic_file.hpp"
#include "host/own_file.hpp"
#include "host/proc.hpp"

namespace postmultid::companions {

using nlohmann::json;

std::optional<Record> read_record(const std::string& path) {
  auto text = host::read_own_file(path, 4096);
  if (!text || !*text) return std::nullopt;
  json document = json::parse(**text, nullptr, false);
  try {
    // A fraction or a number of twenty digits would be converted to anything.
    if (!document.at("pid").is_number_unsigned() || !document.at("start_ticks").is_number_unsigned())
      return std::nullopt;
    auto pid = document.at("pid").get<std::uint64_t>();
    Record record{static_cast<pid_t>(pid), document.at("start_ticks"), document.at("boot_id")};
    if (pid == 0 || pid > std::numeric_limits<pid_t>::max() || record.boot_id != host::boot_id()) return std::nullopt;
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

model::Result<void> write_record(const std::string& path, pid_t pid, std::uint64_t start_ticks) {
  return host::replace_own_file(
      path, json{{"pid", pid}, {"start_ticks", start_ticks}, {"boot_id", host::boot_id()}}.dump() + "\n");
}

}  // namespace postmultid::companions
