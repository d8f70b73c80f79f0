#include "host/memory_cgroup.hpp"

#include <charconv>

#include "host/proc.hpp"

namespace postmultid::host {

namespace {

std::string_view take_line(std::string_view& text) {
  std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

std::string oom_counter_in(std::string_view cgroups) {
  std::string counter;
  while (!cgroups.empty()) {
    // "0::/path", "4:memory:/path"
    std::string_view line = take_line(cgroups);
    std::size_t first = line.find(':');
    std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string path(line.substr(second + 1));
    if (path == "/") path.clear();
    if (controllers == "memory") return "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
    if (controllers.empty() && line.starts_with("0:")) counter = "/sys/fs/cgroup" + path + "/memory.events";
  }
  return counter;
}

std::optional<std::uint64_t> parse_oom_kills(std::string_view text) {
  constexpr std::string_view kName = "oom_kill ";
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    std::uint64_t count = 0;
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), count);
    return error == std::errc{} && end == line.data() + line.size() ? std::optional(count) : std::nullopt;
  }
  return std::nullopt;
}

std::string oom_counter_of(pid_t pid) {
  auto cgroups = read_small_file("/proc/" + std::to_string(pid) + "/cgroup");
  return cgroups ? oom_counter_in(*cgroups) : "";
}

std::optional<std::uint64_t> oom_kills(const std::string& counter) {
  auto text = counter.empty() ? std::nullopt : read_small_file(counter);
  return text ? parse_oom_kills(*text) : std::nullopt;
}

}  // namespace postmultid::host
