#include "postfix/footprint.hpp"

#include <algorithm>
#include <filesystem>
#include <ranges>

namespace postmultid::postfix {

namespace fs = std::filesystem;

void Footprint::note(const std::string& path) {
  std::vector<std::string> missing;
  std::error_code error;
  for (fs::path at = path; !fs::exists(fs::symlink_status(at, error)) && at.has_relative_path(); at = at.parent_path())
    missing.push_back(at);
  for (std::string& each : std::views::reverse(missing))
    if (std::ranges::find(absent_, each) == absent_.end()) absent_.push_back(std::move(each));
}

Footprint::Footprint(const NewInstance& wanted) {
  for (const char* name : {"/main.cf", "/master.cf", "/.tmp/main.cf", "/.tmp/main.cf.tmp", "/.tmp/master.cf"})
    note(wanted.config_directory + name);
  for (const auto* names : {&kMailQueues, &kOtherQueueDirectories})
    for (const std::string& name : *names) note(wanted.queue_directory + "/" + name);
  note(wanted.data_directory);
}

std::vector<std::string> Footprint::take_away() const {
  std::vector<std::string> left;
  for (const std::string& path : std::views::reverse(absent_)) {
    std::error_code error;
    // remove() takes an empty directory, and never what is in another one.
    fs::remove(path, error);
    // Where a directory would be there is a file: nothing was made below it.
    if (error && error != std::errc::not_a_directory && error != std::errc::filename_too_long)
      left.push_back(path + ": " + error.message());
  }
  return left;
}

}  // namespace postmultid::postfix
