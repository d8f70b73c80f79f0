#include "postfix/queue_mounts.hpp"

#include <nlohmann/json.hpp>

#include "host/atomic_file.hpp"
#include "host/log.hpp"
#include "host/own_file.hpp"

namespace postmultid::postfix {

using host::Level;
using host::Mount;
using model::FailureClass;
using model::Fault;
using model::Missing;
using nlohmann::json;

namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;
constexpr int kVersion = 1;

std::string described(const Mount& mount) { return mount.point + " (" + mount.type + ")"; }

}  // namespace

QueueMounts::QueueMounts(std::string file) : file_(std::move(file)) {
  try {
    auto text = host::read_own_file(file_, kLargestFile);
    if (!text) throw std::runtime_error(text.error().message);
    if (!*text) return;  // the first time
    json document = json::parse(**text);
    if (document.at("version") != kVersion) throw std::runtime_error("of another version");
    for (const auto& [queue, mount] : document.at("queues").items())
      known_[queue] = {mount.at("mount_point").get<std::string>(), mount.at("type").get<std::string>()};
  } catch (const std::exception& e) {
    known_.clear();
    host::log(Level::warning, file_ + " is left aside, so where the queues were mounted is not known: " + e.what());
  }
}

std::optional<Fault> QueueMounts::lacks_mount(const Instance& instance) const {
  Mount before;
  {
    std::lock_guard lock(mutex_);
    auto known = known_.find(instance.queue_directory);
    if (known == known_.end()) return std::nullopt;
    before = known->second;
  }
  auto now = host::mount_of(instance.queue_directory);
  if (!now) return Fault{FailureClass::environment, "not-examined", now.error().message, "", Missing::mount};
  if (*now == before) return std::nullopt;
  return Fault{FailureClass::environment, "queue-not-mounted",
               "queue_directory " + instance.queue_directory + " was on " + described(before) + " and is on " +
                   described(*now) + " now: is it not mounted?",
               "mount " + before.point + "   or, if it was moved:  pmctl start --accept-new-queue " + instance.id.text,
               Missing::mount};
}

void QueueMounts::remember(const Instance& instance) {
  auto now = host::mount_of(instance.queue_directory);
  if (!now) return;
  {
    std::lock_guard lock(mutex_);
    auto [known, fresh] = known_.try_emplace(instance.queue_directory, *now);
    if (!fresh && known->second == *now && written_) return;
    known->second = *now;
    written_ = false;
  }
  write();
}

/// The disk may hang: whoever only asks where a queue was mounted does not wait for it.
void QueueMounts::write() {
  std::lock_guard one_at_a_time(writing_);
  json queues = json::object();
  {
    std::lock_guard lock(mutex_);
    if (written_) return;  // somebody else's write had this in it
    for (const auto& [queue, mount] : known_) queues[queue] = {{"mount_point", mount.point}, {"type", mount.type}};
    written_ = true;
  }
  auto done = host::replace_file(file_, json{{"version", kVersion}, {"queues", queues}}.dump(2) + "\n");
  std::lock_guard lock(mutex_);
  trouble_ = done ? "" : done.error().message;
  if (done) return;
  // A disk that is full or read-only costs the guard, not the instance. Tried again with the next one that is ready.
  host::log(Level::warning, "where the queues are mounted is not remembered: " + done.error().message);
  written_ = false;
}

std::string QueueMounts::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace postmultid::postfix
