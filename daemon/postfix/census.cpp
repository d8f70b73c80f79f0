#include "postfix/census.hpp"

#include <filesystem>

#include "postfix/identity.hpp"

namespace postmultid::postfix {

namespace {

constexpr std::chrono::seconds kGoodFor{5};

std::map<host::FileId, std::size_t> look_at_all(const std::string& daemons) {
  std::map<host::FileId, std::size_t> found;
  for (pid_t pid : host::all_processes()) {
    // In this order: where other programs stand may be a disk that hangs.
    if (std::filesystem::path(host::executable(pid)).parent_path() != daemons) continue;
    if (auto directory = host::working_directory(pid)) ++found[*directory];
  }
  return found;
}

}  // namespace

std::size_t Census::count(const Instance& instance) {
  auto queue = host::file_id(instance.queue_directory);
  std::string daemons = real_daemon_directory(instance);
  if (!queue || daemons.empty()) return 0;
  std::lock_guard lock(mutex_);
  Look& look = looks_[daemons];
  if (auto now = std::chrono::steady_clock::now(); now > look.good_until) look = {now + kGoodFor, look_at_all(daemons)};
  auto found = look.standing_in.find(*queue);
  return found == look.standing_in.end() ? 0 : found->second;
}

}  // namespace postmultid::postfix
