#include "control/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "host/accounts.hpp"
#include "host/journal.hpp"
#include "host/log.hpp"

namespace postmultid::control {

namespace {

constexpr std::chrono::minutes kDenialAgain{1};
constexpr std::size_t kMostDenials = 256, kMostNames = 1024, kLongestText = 500;
constexpr unsigned kMostWaiting = 1000;

/// What a client has chosen, so that it cannot look like another line.
std::string harmless(std::string_view text) {
  std::string shown(text.substr(0, kLongestText));
  auto odd = [](unsigned char c) { return c < ' ' || c > '~'; };
  std::replace_if(shown.begin(), shown.end(), odd, '?');
  return shown;
}

/// Only the thread comes here. Empty: it has no name.
std::string name_of(uid_t uid) {
  static std::map<uid_t, std::string> known;
  if (auto found = known.find(uid); found != known.end()) return found->second;
  if (known.size() >= kMostNames) known.clear();
  auto user = host::user_of(uid);
  if (!user) return "";  // nobody could tell: asked again
  return known[uid] = *user ? (*user)->name : "";
}

void write_now(const Audit::Entry& entry) {
  std::string user = entry.user.empty() ? name_of(entry.peer.uid) : entry.user;
  std::string command = harmless(entry.peer.command);
  std::replace(command.begin(), command.end(), '"', '?');
  std::string message = fmt::format("audit: {} {} by {} (uid {}, pid {}, \"{}\"): {}", entry.outcome, entry.route,
                                    user.empty() ? "a user without a name" : user, entry.peer.uid, entry.peer.pid,
                                    command, harmless(entry.detail));
  host::log_with_fields(host::Level::notice, message,
                        {{"POSTMULTID_OUTCOME", entry.outcome},
                         {"POSTMULTID_ROUTE", entry.route},
                         {"POSTMULTID_UID", std::to_string(entry.peer.uid)},
                         {"POSTMULTID_USER", user},
                         {"POSTMULTID_PID", std::to_string(entry.peer.pid)},
                         {"POSTMULTID_COMM", command}});
}

}  // namespace

void Audit::denied(Entry entry) {
  auto now = std::chrono::steady_clock::now();
  auto key = std::pair(entry.peer.uid, entry.route);
  auto told = denials_.find(key);
  if (told != denials_.end() && now - told->second.at < kDenialAgain) {
    ++told->second.since;
    return;
  }
  if (told != denials_.end() && told->second.since)
    entry.detail += fmt::format(" ({} more like this since the last line)", told->second.since);
  if (told == denials_.end() && denials_.size() >= kMostDenials) denials_.clear();
  denials_[std::move(key)] = {now, 0};
  write(std::move(entry));
}

void Audit::write(Entry entry) {
  if (*waiting_ >= kMostWaiting) {
    ++lost_;
    return;
  }
  if (lost_)
    entry.detail += fmt::format(" ({} lines before this one are lost: too many to write)", std::exchange(lost_, 0));
  ++*waiting_;
  asio::post(thread_, [waiting = waiting_, entry = std::move(entry)] {
    write_now(entry);
    --*waiting;
  });
}

}  // namespace postmultid::control
