#include "runtime/lookout.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <filesystem>

#include "host/watch.hpp"

namespace postmultid::runtime {

namespace {

constexpr milliseconds kMoment{100};

std::string directory_of(const std::string& file) { return std::filesystem::path(file).parent_path().string(); }

}  // namespace

void Lookout::watch(std::map<model::MemberId, Watched> members) {
  members_ = std::move(members);
  renew();
}

void Lookout::renew() {
  std::set<std::string> directories;
  for (const auto& [id, watched] : members_) {
    for (const std::string& file : watched.configuration) directories.insert(directory_of(file));
    for (const std::string& file : watched.reload_on) directories.insert(directory_of(file));
    if (!watched.program.empty()) directories.insert(directory_of(watched.program));
    if (!watched.pid_file.empty()) directories.insert(directory_of(watched.pid_file));
  }
  asio::post(thread_, [watch = watch_, directories = std::move(directories)] { watch->watch(directories); });
}

asio::awaitable<std::set<Notice>> Lookout::notices() {
  std::set<Notice> notices;
  while (notices.empty()) {
    auto changes = co_await watch_->changes();
    co_await host::pause(kMoment);
    for (auto more = watch_->pending(); !more.empty(); more = watch_->pending())
      changes.insert(changes.end(), more.begin(), more.end());
    for (const host::Change& change : changes) add(change, notices);
  }
  co_return notices;
}

void Lookout::add(const host::Change& change, std::set<Notice>& notices) const {
  using enum Notice::What;
  std::string file = change.directory + "/" + change.name;
  bool anything = change.directory.empty();
  auto contains = [&](const std::vector<std::string>& files) {
    return (anything && !files.empty()) || std::find(files.begin(), files.end(), file) != files.end();
  };
  for (const auto& [id, watched] : members_) {
    if (contains(watched.configuration)) notices.insert({id, configuration});
    if (anything || file == watched.pid_file) notices.insert({id, pid_file});
    if (anything || file == watched.program) notices.insert({id, program});
    if (contains(watched.reload_on) && !anything) notices.insert({id, reload_on});
  }
}

}  // namespace postmultid::runtime
