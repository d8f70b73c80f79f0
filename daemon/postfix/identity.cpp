#include "postfix/identity.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <charconv>
#include <filesystem>

#include "host/proc.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

/// The number in master.pid: right-aligned in blanks, one line. It may be stale, cut or anything else.
std::optional<pid_t> recorded_pid(const Instance& instance) {
  auto text = host::read_small_file(instance.pid_file(), 64);
  if (!text) return std::nullopt;
  std::size_t begin = text->find_first_not_of(' ');
  if (begin == std::string::npos) return std::nullopt;
  pid_t pid = 0;
  const char* end = text->data() + text->size();
  auto [rest, error] = std::from_chars(text->data() + begin, end, pid);
  bool whole = rest == end || *rest == '\n';
  return error == std::errc{} && whole && pid > 0 ? std::optional(pid) : std::nullopt;
}

std::unexpected<model::Error> not_proved(pid_t pid, const std::string& why) {
  return model::failure("process " + std::to_string(pid) + " " + why);
}

bool holds_lock(pid_t pid, const host::FileId& lock) {
  for (const host::OpenFile& file : host::open_files(pid))
    if (file.target.starts_with('/') && host::holds_flock(pid, file.number, lock)) return true;
  return false;
}

}  // namespace

pid_t lock_holder(const std::string& path) {
  auto lock = host::file_id(path);
  if (!lock) return 0;
  for (pid_t pid : host::all_processes())
    if (holds_lock(pid, *lock)) return pid;
  return 0;
}

std::string process_text(pid_t pid) {
  std::string program = host::executable(pid);
  return "process " + std::to_string(pid) + (program.empty() ? "" : " (" + program + ")");
}

std::string real_daemon_directory(const Instance& instance) {
  std::error_code error;
  auto path = std::filesystem::canonical(instance.daemon_directory, error);
  return error ? instance.daemon_directory : path.string();
}

Result<Master> prove(const Instance& instance, pid_t pid) {
  auto process = host::Process::open(pid);
  if (!process) return std::unexpected(process.error());
  auto stat = host::process_stat(pid);
  if (!stat) return not_proved(pid, "cannot be read in /proc");
  std::string program = host::executable(pid);
  if (program != real_daemon_directory(instance) + "/master")
    return not_proved(
        pid, "runs " + (program.empty() ? "an unreadable program" : program) + ", not " + instance.master_program());
  auto directory = host::working_directory(pid);
  if (!directory || directory != host::file_id(instance.queue_directory))
    return not_proved(pid, "does not stand in " + instance.queue_directory);
  auto lock = host::file_id(instance.pid_file());
  if (!lock || !holds_lock(pid, *lock)) return not_proved(pid, "does not hold the lock on " + instance.pid_file());
  if (!process->alive()) return not_proved(pid, "has ended");
  return Master{std::move(*process), stat->start_ticks, program};
}

bool lock_is_free(const Instance& instance) {
  host::Fd file(::open(instance.pid_file().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return true;  // no file: never started, and Postfix itself takes it so
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return true;
  return errno != EWOULDBLOCK;
}

std::expected<std::optional<Master>, model::Fault> find_master(const Instance& instance) {
  model::Error doubt{"its pid file names no process", 0};
  if (auto pid = recorded_pid(instance)) {
    auto master = prove(instance, *pid);
    if (master) return std::move(*master);
    doubt = master.error();
  }
  if (lock_is_free(instance)) return std::nullopt;
  pid_t holder = lock_holder(instance.pid_file());
  if (holder)
    if (auto master = prove(instance, holder)) return std::move(*master);  // the pid file was overwritten
  return std::unexpected(
      model::Fault{model::FailureClass::environment, "unproven-master",
                   instance.pid_file() + " is locked by " + (holder ? process_text(holder) : "somebody") +
                       ", which cannot be proved to be this instance's master (" + doubt.message + "): left alone",
                   "fuser -v " + instance.pid_file(), model::Missing::lock, holder});
}

}  // namespace postmultid::postfix
