#include "postfix/remains.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "host/proc.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

namespace fs = std::filesystem;

// Where messages are; docs/postfix-facts.md, "Queue".
constexpr const char* kMail[] = {"maildrop", "incoming", "active", "deferred", "hold", "corrupt", "saved"};
// What is said about messages, and nothing without them.
constexpr const char* kNotes[] = {"bounce", "defer", "trace", "flush"};
constexpr std::size_t kLargestCopy = 16 * 1024 * 1024;
constexpr std::size_t kMostNamed = 20;

/// Calls it for all that is below a directory and is none itself. Links are not followed.
Result<void> each_file_below(const fs::path& directory,
                             const std::function<void(const fs::path&, fs::file_type)>& call) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    auto type = entry->symlink_status(error).type();
    if (!error && type != fs::file_type::directory) call(entry->path(), type);
  }
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return std::unexpected(model::system_error("read " + directory.string(), error.value()));
}

/// /queue/etc/hosts of /etc/hosts: made for chrooted services, or equal to what they were made of.
bool is_copy(const fs::path& queue, const fs::path& file) {
  std::string within = "/" + file.lexically_relative(queue).string();
  std::error_code error;
  for (const char* made : {"/etc/localtime", "/etc/resolv.conf", "/etc/hosts", "/etc/services", "/etc/host.conf",
                           "/etc/nsswitch.conf", "/etc/nss_mdns.config", "/dev/random", "/dev/urandom"})
    if (within == made) return true;
  auto here = host::read_small_file(within, kLargestCopy), there = host::read_small_file(file, kLargestCopy);
  return here && there && here->size() < kLargestCopy && *here == *there && fs::exists(within, error);
}

bool is_cache(const fs::path& file) {
  std::string name = file.filename(), suffix = file.extension();
  return name == "master.lock" || name == "prng_exch" || suffix == ".db" || suffix == ".lmdb" || suffix == ".cdb" ||
         name.ends_with("-lock");
}

void remove_all_of(const fs::path& directory, const std::function<bool(const fs::path&, fs::file_type)>& ours) {
  std::vector<fs::path> found;
  (void)each_file_below(directory, [&](const fs::path& file, fs::file_type type) {
    if (ours(file, type)) found.push_back(file);
  });
  std::error_code ignored;
  for (const fs::path& file : found) fs::remove(file, ignored);
}

}  // namespace

void remove_empty(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> below;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (entry->symlink_status(error).type() == fs::file_type::directory) below.push_back(entry->path());
  for (const fs::path& each : below) remove_empty(each);
  fs::remove(directory, error);  // fails where something is in it
}

Result<std::string> mail_in(const std::string& queue_directory) {
  std::string found;
  for (const char* name : kMail) {
    std::size_t count = 0;
    auto counted = each_file_below(fs::path(queue_directory) / name, [&](const fs::path&, fs::file_type) { ++count; });
    if (!counted) return std::unexpected(counted.error());
    if (count) found += (found.empty() ? "" : ", ") + std::to_string(count) + " in " + name;
  }
  return found;
}

Result<std::vector<std::string>> remove_remains(const std::string& queue_directory, const std::string& data_directory) {
  auto mail = mail_in(queue_directory);
  if (!mail) return std::unexpected(mail.error());
  if (!mail->empty()) return model::failure(queue_directory + ": there is mail: " + *mail);
  fs::path queue = queue_directory;
  auto any = [](const fs::path&, fs::file_type) { return true; };
  auto socket = [](const fs::path&, fs::file_type type) {
    return type == fs::file_type::socket || type == fs::file_type::fifo;
  };
  for (const char* name : kNotes) remove_all_of(queue / name, any);
  remove_all_of(queue / "pid", any);
  for (const char* name : {"public", "private"}) remove_all_of(queue / name, socket);
  for (const char* name : {"etc", "lib", "usr", "dev", "run"})
    remove_all_of(queue / name, [&](const fs::path& file, fs::file_type type) {
      return type == fs::file_type::socket || type == fs::file_type::symlink || is_copy(queue, file);
    });
  remove_all_of(data_directory, [&](const fs::path& file, fs::file_type) {
    return file.parent_path() == fs::path(data_directory) && is_cache(file);
  });
  std::vector<std::string> left;
  for (const std::string* directory : {&queue_directory, &data_directory}) {
    remove_empty(*directory);
    (void)each_file_below(*directory, [&](const fs::path& file, fs::file_type) {
      if (left.size() < kMostNamed) left.push_back(file);
    });
    std::error_code error;
    if (left.empty() && fs::exists(*directory, error)) left.push_back(*directory);
  }
  return left;
}

}  // namespace postmultid::postfix
