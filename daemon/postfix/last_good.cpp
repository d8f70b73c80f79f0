#include "postfix/last_good.hpp"

#include <array>
#include <optional>

#include "host/atomic_file.hpp"
#include "host/log.hpp"
#include "host/proc.hpp"

namespace postmultid::postfix {

namespace {

constexpr std::array<const char*, 2> kFiles{"/main.cf", "/master.cf"};
// Whoever has a longer one is not told the difference.
constexpr std::size_t kLargestFile = 1024 * 1024;

std::optional<std::string> text_of(const std::string& file) { return host::read_small_file(file, kLargestFile); }

}  // namespace

void LastGood::keep(const Instance& instance, std::chrono::system_clock::time_point read_at) {
  for (const char* file : kFiles) {
    auto changed = host::changed_at(instance.config_directory + file);
    if (!changed || *changed > read_at) return;
  }
  for (const char* file : kFiles) {
    auto now = text_of(instance.config_directory + file);
    if (!now || now->size() == kLargestFile) continue;
    if (now == text_of(kept(instance) + file)) {
      tell(kept(instance) + file, "");
      continue;
    }
    std::lock_guard lock(mutex_);
    auto written = host::replace_file(kept(instance) + file, *now);
    std::string trouble;
    if (!written) {
      trouble = instance.id.text + ": its last good configuration is not kept: " + written.error().message;
      host::log(host::Level::warning, trouble);
    }
    tell(kept(instance) + file, std::move(trouble));
  }
}

void LastGood::tell(const std::string& file, std::string trouble) {
  std::lock_guard lock(telling_);
  if (trouble.empty())
    troubles_.erase(file);
  else
    troubles_[file] = std::move(trouble);
}

std::string LastGood::trouble() const {
  std::lock_guard lock(telling_);
  if (troubles_.empty()) return "";
  std::string more = troubles_.size() == 1 ? "" : "; and " + std::to_string(troubles_.size() - 1) + " more files";
  return troubles_.begin()->second + more;
}

std::string LastGood::if_changed(const Instance& instance) const {
  for (const char* file : kFiles) {
    auto then = text_of(kept(instance) + file);
    if (then && then != text_of(instance.config_directory + file)) return kept(instance);
  }
  return "";
}

}  // namespace postmultid::postfix
