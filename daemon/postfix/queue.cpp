#include "postfix/queue.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>

#include "host/fd.hpp"

namespace postmultid::postfix {

using std::chrono::steady_clock;

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(int parent, const char* name) {
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return {fd < 0 ? nullptr : ::fdopendir(fd), ::closedir};
}

/// One walk through one queue, hashed or not: an entry with a one-letter name is a subdirectory, everything else is
/// a file (Postfix's own rule, docs/postfix-facts.md, "Queue").
class Walk {
 public:
  explicit Walk(steady_clock::time_point end) : end_(end) {}

  std::uint64_t count(int parent, const char* name, bool ages) {
    Directory directory = open_directory(parent, name);
    std::uint64_t messages = 0;
    if (!directory) return 0;
    while (const dirent* entry = ::readdir(directory.get())) {
      std::string_view id = entry->d_name;
      if (id == "." || id == "..") continue;
      if (steady_clock::now() > end_) {
        truncated_ = true;
        break;
      }
      if (id.size() == 1) {
        messages += count(::dirfd(directory.get()), entry->d_name, ages);
      } else if (is_queue_id(id)) {
        ++messages;
        if (ages) note_age(::dirfd(directory.get()), entry->d_name);
      }
    }
    return messages;
  }

  bool truncated() const { return truncated_; }
  const std::optional<model::WallTime>& oldest() const { return oldest_; }

 private:
  void note_age(int directory, const char* name) {
    auto arrival = arrival_in_name(name);
    if (!arrival) arrival = birth(directory, name);
    if (arrival && (!oldest_ || *arrival < *oldest_)) oldest_ = arrival;
  }

  /// A short id holds no time. The file keeps its inode on its way through the queues, so its birth is the arrival;
  /// mtime is the time of the next try and may lie in the future.
  static std::optional<model::WallTime> birth(int directory, const char* name) {
    struct statx status {};
    if (::statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &status) < 0 || !(status.stx_mask & STATX_BTIME))
      return std::nullopt;
    return model::WallTime(std::chrono::seconds(status.stx_btime.tv_sec));
  }

  steady_clock::time_point end_;
  bool truncated_ = false;
  std::optional<model::WallTime> oldest_;
};

}  // namespace

bool is_queue_id(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::optional<model::WallTime> arrival_in_name(std::string_view name) {
  static constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
  static constexpr std::size_t kSecondsAtLeast = 6, kMicroseconds = 4;
  static constexpr std::int64_t kLatest = INT64_C(1) << 33;  // in the year 2242; nanoseconds must fit in 64 bits
  // seconds, 4 digits of microseconds, "z", inode; the inode is in base 51 and has no "z".
  std::size_t separator = name.rfind('z');
  if (separator == std::string_view::npos || separator < kSecondsAtLeast + kMicroseconds) return std::nullopt;
  std::int64_t seconds = 0;
  for (char c : name.substr(0, separator - kMicroseconds)) {
    std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    seconds = seconds * 52 + static_cast<std::int64_t>(digit);
    if (seconds > kLatest) return std::nullopt;
  }
  return model::WallTime(std::chrono::seconds(seconds));
}

model::QueueCounts count_queue(const Instance& instance, std::chrono::milliseconds budget) {
  Walk walk(steady_clock::now() + budget);
  host::Fd queue(::open(instance.queue_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  model::QueueCounts counts;
  if (queue) {
    counts.maildrop = walk.count(queue.get(), "maildrop", false);
    counts.incoming = walk.count(queue.get(), "incoming", true);
    counts.active = walk.count(queue.get(), "active", true);
    counts.deferred = walk.count(queue.get(), "deferred", true);
    counts.hold = walk.count(queue.get(), "hold", false);
    counts.corrupt = walk.count(queue.get(), "corrupt", false);
  }
  counts.oldest_at = walk.oldest();
  counts.truncated = walk.truncated();
  counts.counted_at = std::chrono::system_clock::now();
  return counts;
}

}  // namespace postmultid::postfix
