// What /proc says about processes (proc(5)). Everything here is a snapshot by pid: hold a host::Process open before,
// and look whether it is still alive after, to know whose facts these are.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"

namespace postmultid::host {

/// A file's identity, whatever its path.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct ProcessStat {
  pid_t parent = 0, session = 0;
  char state = '?';               // R S D T t Z …
  std::uint64_t start_ticks = 0;  // since boot
};

/// /proc/PID/stat's one line; nothing if it is not one. The name in it may contain anything, ")" included.
std::optional<ProcessStat> parse_stat(std::string_view line);

std::optional<ProcessStat> process_stat(pid_t pid);
/// The wall-clock time that `start_ticks` stands for.
std::optional<std::chrono::system_clock::time_point> started_at(std::uint64_t start_ticks);
std::vector<pid_t> all_processes();
std::vector<pid_t> children_of(pid_t pid);
/// The parent of every process. (The kernel's own list of children may leave some out while others end, proc(5).)
std::map<pid_t, pid_t> parents();

/// The executable's path, without the " (deleted)" that the kernel adds after an upgrade; empty if not readable.
std::string executable(pid_t pid);
/// Whether the executable's file is not at its path any more, as after an upgrade.
bool executable_is_replaced(pid_t pid);
/// argv; empty if not readable, and of a kernel thread.
std::vector<std::string> command_line(pid_t pid);
std::optional<FileId> working_directory(pid_t pid);
std::optional<FileId> file_id(const std::string& path);

struct OpenFile {
  int number = -1;
  std::string target;  // "/path", "socket:[12345]"
};
std::vector<OpenFile> open_files(pid_t pid);
/// 12345 for "socket:[12345]"
std::optional<std::uint64_t> socket_inode(std::string_view target);

/// Whether descriptor `number` of `pid` is that file and holds an exclusive flock on it in the name of `pid`.
bool holds_flock(pid_t pid, int number, const FileId& file);

/// True if `fdinfo` (the text of /proc/PID/fdinfo/N) shows an exclusive FLOCK owned by `pid`.
bool shows_exclusive_flock(std::string_view fdinfo, pid_t pid);

/// When the file's content was last changed, as far as whoever did it tells.
std::optional<std::chrono::system_clock::time_point> written_at(const std::string& path);
/// When it was last written, put there, or given other rights. Nobody can say otherwise.
std::optional<std::chrono::system_clock::time_point> changed_at(const std::string& path);
/// The kernel's name for the time since it was booted; the same in all containers.
std::string boot_id();

std::optional<std::string> read_small_file(const std::string& path, std::size_t limit = 65536);

}  // namespace postmultid::host
