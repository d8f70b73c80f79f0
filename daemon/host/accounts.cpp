#include "host/accounts.hpp"

#include <grp.h>
#include <pwd.h>

namespace postmultid::host {

using model::Result;

namespace {

// A group of some thousand members needs more than the usual buffer; nothing needs more than this.
constexpr std::size_t kBuffer = 4096, kLargestBuffer = 4 * 1024 * 1024;

/// Calls one of the getpw*_r or getgr*_r functions with a buffer that is large enough.
template <typename Entry, typename Call, typename Take>
auto look_up(const std::string& what, Call call, Take take) -> Result<std::optional<decltype(take(Entry{}))>> {
  std::vector<char> buffer(kBuffer);
  for (;;) {
    Entry entry{};
    Entry* found = nullptr;
    int error = call(&entry, buffer.data(), buffer.size(), &found);
    if (found) return take(entry);
    // As getpwnam(3) lists what some systems say of a name that is not there.
    if (error == 0 || error == ENOENT || error == ESRCH) return std::nullopt;
    if (error == EINTR) continue;
    if (error != ERANGE || buffer.size() >= kLargestBuffer)
      return std::unexpected(model::system_error("look up " + what, error));
    buffer.resize(buffer.size() * 4);
  }
}

User user(const passwd& entry) { return {entry.pw_name, entry.pw_uid, entry.pw_gid}; }

Group group_from(const ::group& entry) {
  Group group{entry.gr_gid, {}};
  for (char** member = entry.gr_mem; member && *member; ++member) group.members.emplace_back(*member);
  return group;
}

}  // namespace

Result<std::optional<User>> user_called(const std::string& name) {
  auto call = [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwnam_r(name.c_str(), entry, buffer, size, found);
  };
  return look_up<passwd>("user " + name, call, user);
}

Result<std::optional<User>> user_of(uid_t uid) {
  auto call = [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwuid_r(uid, entry, buffer, size, found);
  };
  return look_up<passwd>("uid " + std::to_string(uid), call, user);
}

Result<std::optional<Group>> group_called(const std::string& name) {
  auto call = [&](::group* entry, char* buffer, std::size_t size, ::group** found) {
    return ::getgrnam_r(name.c_str(), entry, buffer, size, found);
  };
  return look_up<::group>("group " + name, call, group_from);
}

}  // namespace postmultid::host
