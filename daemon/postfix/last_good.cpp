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
    auto written = host::written_at(instance.config_directory + file);
    if (!written || *written > read_at) return;
  }
  for (const char* file : kFiles) {
    auto now = text_of(instance.config_directory + file);
    if (!now || now->size() == kLargestFile || now == text_of(kept(instance) + file)) continue;
    std::lock_guard lock(mutex_);
    if (auto written = host::replace_file(kept(instance) + file, *now); !written)
      host::log(host::Level::warning,
                instance.id.text + ": its last good configuration is not kept: " + written.error().message);
  }
}

std::string LastGood::if_changed(const Instance& instance) const {
  for (const char* file : kFiles) {
    auto then = text_of(kept(instance) + file);
    if (then && then != text_of(instance.config_directory + file)) return kept(instance);
  }
  return "";
}

}  // namespace postmultid::postfix
