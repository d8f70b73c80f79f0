#include "host/proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <sstream>

#include "host/fd.hpp"

namespace postmultid::host {

namespace {

std::string proc(pid_t pid, const std::string& what) { return "/proc/" + std::to_string(pid) + "/" + what; }

std::optional<std::string> read_link(const std::string& path) {
  std::array<char, 4096> target;
  ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(length));
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The names in a directory that are numbers.
std::vector<int> numbers_in(const std::string& path) {
  std::vector<int> numbers;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return numbers;
  while (const dirent* entry = ::readdir(directory.get()))
    if (auto number = whole_number<int>(entry->d_name)) numbers.push_back(*number);
  return numbers;
}

constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

std::string boot_id() {
  std::string id = read_small_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::optional<std::string> read_small_file(const std::string& path, std::size_t limit) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < limit) {
    ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (text.size() > limit) text.resize(limit);
  return text;
}

std::optional<ProcessStat> parse_stat(std::string_view line) {
  std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream fields{std::string(line.substr(name_end + 1))};
  ProcessStat stat;
  std::string ignored;
  fields >> stat.state >> stat.parent >> ignored >> stat.session;  // fields 3 to 6
  for (int field = 7; field < 22; ++field) fields >> ignored;
  fields >> stat.start_ticks;  // field 22
  if (!fields) return std::nullopt;
  return stat;
}

std::optional<ProcessStat> process_stat(pid_t pid) {
  auto line = read_small_file(proc(pid, "stat"));
  return line ? parse_stat(*line) : std::nullopt;
}

std::optional<std::chrono::system_clock::time_point> started_at(std::uint64_t start_ticks) {
  timespec since_boot{};
  if (::clock_gettime(CLOCK_BOOTTIME, &since_boot) < 0) return std::nullopt;
  auto now = std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec);
  auto then = std::chrono::nanoseconds(std::chrono::seconds(1)) / ::sysconf(_SC_CLK_TCK) * start_ticks;
  return std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(now - then);
}

std::vector<pid_t> all_processes() { return numbers_in("/proc"); }

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::istringstream list(read_small_file(proc(pid, "task/" + std::to_string(pid) + "/children")).value_or(""));
  for (pid_t child; list >> child;) children.push_back(child);
  return children;
}

std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> all;
  for (pid_t pid : all_processes())
    if (auto stat = process_stat(pid)) all[pid] = stat->parent;
  return all;
}

bool executable_is_replaced(pid_t pid) { return read_link(proc(pid, "exe")).value_or("").ends_with(kDeleted); }

std::string executable(pid_t pid) {
  std::string path = read_link(proc(pid, "exe")).value_or("");
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

std::vector<std::string> command_line(pid_t pid) {
  std::vector<std::string> words;
  std::istringstream text(read_small_file(proc(pid, "cmdline")).value_or(""));
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  return words;
}

std::optional<FileId> file_id(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

namespace {

std::chrono::system_clock::time_point to_time(const timespec& time) {
  auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> written_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return std::nullopt;
  return to_time(status.st_mtim);
}

std::optional<std::chrono::system_clock::time_point> changed_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return std::nullopt;
  return to_time(status.st_ctim);
}

std::optional<FileId> working_directory(pid_t pid) { return file_id(proc(pid, "cwd")); }

std::vector<OpenFile> open_files(pid_t pid) {
  std::vector<OpenFile> files;
  for (int number : numbers_in(proc(pid, "fd")))
    if (auto target = read_link(proc(pid, "fd/" + std::to_string(number))))
      files.push_back({number, std::move(*target)});
  return files;
}

std::optional<std::uint64_t> socket_inode(std::string_view target) {
  static constexpr std::string_view kPrefix = "socket:[";
  if (!target.starts_with(kPrefix) || !target.ends_with(']')) return std::nullopt;
  return whole_number<std::uint64_t>(target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1));
}

bool shows_exclusive_flock(std::string_view fdinfo, pid_t pid) {
  // "lock:\t1: FLOCK  ADVISORY  WRITE 4242 08:02:1234 0 EOF"
  std::istringstream lines{std::string(fdinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string label, ordinal, type, mode, access;
    pid_t owner = 0;
    if (words >> label >> ordinal >> type >> mode >> access >> owner && label == "lock:" && type == "FLOCK" &&
        access == "WRITE" && owner == pid)
      return true;
  }
  return false;
}

bool holds_flock(pid_t pid, int number, const FileId& file) {
  std::string n = std::to_string(number);
  auto id = file_id(proc(pid, "fd/" + n));
  if (!id || !(*id == file)) return false;
  auto info = read_small_file(proc(pid, "fdinfo/" + n));
  return info && shows_exclusive_flock(*info, pid);
}

}  // namespace postmultid::host
