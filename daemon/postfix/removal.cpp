#include "postfix/removal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <regex>

#include "host/tree.hpp"
#include "postfix/footprint.hpp"

namespace postmultid::postfix {

using host::DirectoryEntry;
using host::Fd;
using model::Result;

namespace {

constexpr std::size_t kMostNamed = 20;

bool is_directory(const DirectoryEntry& entry) { return S_ISDIR(entry.facts.st_mode); }

bool remove_directory(const Fd& parent, const std::string& name) {
  return ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) == 0;
}

/// By its path, which may be a symbolic link.
Result<Fd> open_at(const std::string& path) { return host::open_directory(AT_FDCWD, path + "/."); }

/// Nothing: there is none.
Result<std::optional<Fd>> open_if_there(int parent, const std::string& name) {
  auto directory = host::open_directory(parent, name);
  if (directory) return std::move(*directory);
  if (directory.error().number == ENOENT) return std::nullopt;
  return std::unexpected(directory.error());
}

Result<std::uint64_t> files_below(const Fd& directory) {
  auto entries = host::entries_of(directory);
  if (!entries) return std::unexpected(entries.error());
  std::uint64_t files = 0;
  for (const DirectoryEntry& entry : *entries) {
    if (!is_directory(entry)) {
      ++files;
      continue;
    }
    auto below = open_if_there(directory.get(), entry.name);
    if (!below) return std::unexpected(below.error());
    if (!*below) continue;
    auto more = files_below(**below);
    if (!more) return more;
    files += *more;
  }
  return files;
}

/// Removes those files of which `is_ours` says so, and what is empty then, down to `levels` further levels of directories.
using IsOurs = std::function<bool(const Fd& directory, const DirectoryEntry& entry)>;

void clear(const Fd& directory, const IsOurs& is_ours, int levels) {
  auto entries = host::entries_of(directory);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    if (!is_directory(entry)) {
      if (is_ours(directory, entry)) ::unlinkat(directory.get(), entry.name.c_str(), 0);
      continue;
    }
    auto below = host::open_directory(directory.get(), entry.name);
    if (below && levels > 0) clear(*below, is_ours, levels - 1);
    remove_directory(directory, entry.name);
  }
}

/// The same of a directory of its own, which goes, too, where it is empty then.
void remove(const Fd& parent, const std::string& name, const IsOurs& is_ours, int levels) {
  if (auto directory = host::open_directory(parent.get(), name)) clear(*directory, is_ours, levels);
  remove_directory(parent, name);
}

// Of hash_queue_depth; nobody has more.
constexpr int kHashedLevels = 8;

bool nothing(const Fd&, const DirectoryEntry&) { return false; }

bool is_dead_socket(const Fd& directory, const DirectoryEntry& entry) {
  return S_ISFIFO(entry.facts.st_mode) ||
         (S_ISSOCK(entry.facts.st_mode) && !host::is_listened_to(directory, entry.name));
}

/// master.pid, and the locks of services by type and name: unix.cleanup.
bool is_lock(const Fd&, const DirectoryEntry& entry) {
  static const std::regex name("master\\.pid|(inet|unix|unix-dgram|fifo|pass)\\..+");
  return S_ISREG(entry.facts.st_mode) && std::regex_match(entry.name, name);
}

/// Which messages wait for which site (flush(8)): there are none.
bool is_file(const Fd&, const DirectoryEntry& entry) { return S_ISREG(entry.facts.st_mode); }

/// What Postfix keeps in data_directory by itself, and by the defaults of its cache parameters.
bool is_cache(const Fd&, const DirectoryEntry& entry) {
  static const std::regex name(
      "master\\.lock|prng_exch|(smtpd?|lmtp)_scache(\\..+)?|(verify|postscreen|psc)_cache(\\..+)?");
  return S_ISREG(entry.facts.st_mode) && entry.name.size() < 256 && std::regex_match(entry.name, name);
}

std::string link_of(int directory, const std::string& name) {
  std::string target(4096, '\0');
  ssize_t length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  return length < 0 ? "" : target.substr(0, static_cast<std::size_t>(length));
}

/// The symbolic link that Debian's configure-instance.sh makes in a chroot, and where it leads (docs/postfix-facts.md, "Debian").
constexpr char kDebianLink[] = "/usr/lib/zoneinfo/localtime", kDebianTarget[] = "/etc/localtime";

/// A copy that was made for a chroot: this host has the same at its own place. So nothing is lost with it.
void remove_copies(const Fd& directory, const std::string& original, dev_t device) {
  auto entries = host::entries_of(directory);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = original + "/" + entry.name;
    mode_t mode = entry.facts.st_mode;
    if (is_directory(entry)) {
      auto below = host::open_directory(directory.get(), entry.name);
      if (below && entry.facts.st_dev == device) remove_copies(*below, path, device);
      remove_directory(directory, entry.name);
      continue;
    }
    struct stat theirs {};
    bool there = ::lstat(path.c_str(), &theirs) == 0, same = S_ISSOCK(mode) && is_dead_socket(directory, entry);
    if (S_ISREG(mode)) same = host::same_content(directory, entry.name, path);
    if (S_ISLNK(mode)) {
      std::string target = link_of(directory.get(), entry.name);
      same = (there && target == link_of(AT_FDCWD, path)) || (path == kDebianLink && target == kDebianTarget);
    }
    if (S_ISCHR(mode) || S_ISBLK(mode)) same = there && theirs.st_mode == mode && theirs.st_rdev == entry.facts.st_rdev;
    if (same) ::unlinkat(directory.get(), entry.name.c_str(), 0);
  }
}

void empty_queue(const std::string& path) {
  auto queue = open_at(path);
  if (!queue) return;
  for (const char* name : {"bounce", "defer", "trace"}) remove(*queue, name, nothing, kHashedLevels);
  for (const char* name : {"public", "private"}) remove(*queue, name, is_dead_socket, 0);
  remove(*queue, "pid", is_lock, 0);
  remove(*queue, "flush", is_file, kHashedLevels);
  struct stat facts {};
  auto entries = host::entries_of(*queue);
  if (!entries || ::fstat(queue->get(), &facts) < 0) return;
  for (const DirectoryEntry& entry : *entries) {
    auto is_this = [&](const std::string& name) { return name == entry.name; };
    if (std::ranges::any_of(kMailQueues, is_this) || std::ranges::any_of(kOtherQueueDirectories, is_this)) continue;
    if (!is_directory(entry) || entry.facts.st_dev != facts.st_dev) continue;
    if (auto below = host::open_directory(queue->get(), entry.name))
      remove_copies(*below, "/" + entry.name, facts.st_dev);
    remove_directory(*queue, entry.name);
  }
}

void name_rest(const std::string& path, std::vector<std::string>& left) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return;
  std::size_t before = left.size(), more = 0;
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(path, options, error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory(error) && !at->is_symlink(error) && !fs::is_empty(at->path(), error)) continue;
    if (left.size() - before < kMostNamed)
      left.push_back(at->path());
    else
      ++more;
  }
  if (more) left.push_back(path + ": and " + std::to_string(more) + " more");
  if (left.size() == before) left.push_back(path);
}

}  // namespace

Result<std::string> mail_in(const std::string& queue_directory) {
  auto queue = open_if_there(AT_FDCWD, queue_directory + "/.");
  if (!queue) return std::unexpected(queue.error());
  std::string text;
  if (!*queue) return text;
  for (const std::string& name : kMailQueues) {
    auto directory = open_if_there((*queue)->get(), name);
    if (!directory) return std::unexpected(directory.error().within(queue_directory));
    if (!*directory) continue;
    auto files = files_below(**directory);
    if (!files) return std::unexpected(files.error().within(queue_directory + "/" + name));
    if (*files) text += (text.empty() ? "" : ", ") + std::to_string(*files) + " in " + name;
  }
  return text;
}

Result<MailQueues> MailQueues::remove(const std::string& queue_directory) {
  MailQueues gone;
  gone.queue_directory_ = queue_directory;
  auto queue = open_at(queue_directory);
  if (!queue && queue.error().number == ENOENT) return gone;
  if (!queue) return std::unexpected(queue.error());
  for (const std::string& name : kMailQueues) {
    struct stat facts {};
    if (::fstatat(queue->get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (auto directory = host::open_directory(queue->get(), name)) clear(*directory, nothing, kHashedLevels);
    if (remove_directory(*queue, name)) {
      gone.removed_.emplace_back(name, facts);
      continue;
    }
    auto error = model::system_error("remove " + queue_directory + "/" + name);
    gone.put_back();
    return std::unexpected(std::move(error));
  }
  return gone;
}

void MailQueues::put_back() const {
  auto queue = open_at(queue_directory_);
  if (!queue) return;
  for (const auto& [name, facts] : removed_) {
    if (::mkdirat(queue->get(), name.c_str(), 0700) < 0) continue;
    auto directory = host::open_directory(queue->get(), name);
    if (!directory || ::fchown(directory->get(), facts.st_uid, facts.st_gid) < 0) continue;
    (void)::fchmod(directory->get(), facts.st_mode & 07777);
  }
}

std::vector<std::string> remove_rest(const Instance& instance) {
  const std::string& configuration = instance.config_directory;
  empty_queue(instance.queue_directory);
  if (auto data = open_at(instance.data_directory)) clear(*data, is_cache, 0);
  // Last: they say where the rest is.
  for (const char* name : {"/main.cf", "/master.cf"}) ::unlink((configuration + name).c_str());
  std::vector<std::string> left;
  for (const std::string& path : {instance.queue_directory, instance.data_directory, configuration})
    if (::rmdir(path.c_str()) < 0) name_rest(path, left);
  return left;
}

}  // namespace postmultid::postfix
