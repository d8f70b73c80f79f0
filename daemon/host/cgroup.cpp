#include "host/cgroup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <sstream>

#include "host/fd.hpp"
#include "host/mounts.hpp"
#include "host/proc.hpp"

namespace postmultid::host {

using model::Result;
using model::system_error;

namespace {

// A member of Postfix's has some hundred processes at most; nobody makes cgroups in ours.
constexpr std::size_t kMostText = 1 << 20, kMostBelow = 64;

/// The kernel takes the whole text of one write, or none of it.
Result<void> write_whole(const std::string& path, const std::string& text) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return std::unexpected(system_error("write " + path));
  return {};
}

/// The number behind that word in a file of lines such as "populated 1".
std::optional<std::uint64_t> field(const std::string& path, std::string_view word) {
  std::istringstream lines(read_small_file(path).value_or(""));
  std::string name;
  for (std::uint64_t value = 0; lines >> name >> value;)
    if (name == word) return value;
  return std::nullopt;
}

void append_pids(const std::string& file, std::vector<pid_t>& pids) {
  std::istringstream text(read_small_file(file, kMostText).value_or(""));
  for (pid_t pid = 0; text >> pid;)
    if (pid > 0) pids.push_back(pid);  // 0: of a pid namespace that we do not see
}

}  // namespace

Result<void> Cgroup::make() const {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return std::unexpected(system_error("make the cgroup " + directory_, error.value()));
  return {};
}

void Cgroup::remove() const {
  if (::rmdir(directory_.c_str()) == 0) ::rmdir(std::filesystem::path(directory_).parent_path().c_str());
}

bool Cgroup::populated() const { return field(file("cgroup.events"), "populated").value_or(0) != 0; }

std::vector<pid_t> Cgroup::pids() const {
  std::vector<pid_t> found;
  if (directory_.empty()) return found;
  append_pids(file("cgroup.procs"), found);
  std::error_code error;
  std::size_t below = 0;
  for (std::filesystem::recursive_directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error))
    if (std::error_code gone; entry->is_directory(gone) && ++below <= kMostBelow)
      append_pids(entry->path().string() + "/cgroup.procs", found);
  return found;
}

std::vector<Process> Cgroup::processes() const {
  std::vector<Process> found;
  for (pid_t pid : pids())
    if (auto process = Process::open(pid)) found.push_back(std::move(*process));
  // A number may have been given to somebody else before it was opened. Who stands there now, and lives after that, was
  // the one that was opened.
  std::vector<pid_t> still = pids();
  std::erase_if(found, [&](const Process& process) {
    return std::find(still.begin(), still.end(), process.pid()) == still.end() || !process.alive();
  });
  return found;
}

bool Cgroup::kill() const { return !directory_.empty() && write_whole(file("cgroup.kill"), "1").has_value(); }

Result<void> Cgroup::take(pid_t pid) const { return write_whole(file("cgroup.procs"), std::to_string(pid)); }

Usage Cgroup::usage() const {
  Usage usage{number("memory.current"), number("pids.current"), {}};
  if (auto microseconds = field(file("cpu.stat"), "usage_usec"))
    usage.cpu_seconds = static_cast<double>(*microseconds) / 1e6;
  return usage;
}

std::optional<std::uint64_t> Cgroup::number(const std::string& name) const {
  auto text = directory_.empty() ? std::nullopt : read_small_file(file(name), 64);
  if (!text) return std::nullopt;
  if (*text == "max\n") return std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc() && std::string_view(end) == "\n" ? std::optional(value) : std::nullopt;
}

std::optional<std::string> CgroupMount::directory_of(const std::string& path) const {
  // "/..": outside of our cgroup namespace.
  if (path.starts_with("/..")) return std::nullopt;
  if (root == "/") return path == "/" ? point : point + path;
  if (path == root) return point;
  if (!path.starts_with(root + "/")) return std::nullopt;
  return point + path.substr(root.size());
}

std::optional<CgroupMount> cgroup_mount_in(std::string_view mountinfo) {
  std::optional<CgroupMount> found;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    auto mount = parse_mount(line);
    if (!mount || mount->type != "cgroup2") continue;
    bool usual = mount->point == "/sys/fs/cgroup" || mount->point == "/sys/fs/cgroup/unified";
    if (!found || usual) found = {mount->root, mount->point};
    if (usual) break;
  }
  return found;
}

std::optional<std::string> cgroup_path_in(std::string_view cgroups) {
  std::istringstream lines{std::string(cgroups)};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::/")) return line.substr(3);
  return std::nullopt;
}

Cgroup cgroup_of(pid_t pid) {
  auto path = cgroup_path_in(read_small_file("/proc/" + std::to_string(pid) + "/cgroup").value_or(""));
  auto mount = cgroup_mount_in(read_small_file("/proc/self/mountinfo", kMostText).value_or(""));
  auto directory = path && mount ? mount->directory_of(*path) : std::nullopt;
  return directory ? Cgroup(*directory) : Cgroup();
}

}  // namespace postmultid::host
