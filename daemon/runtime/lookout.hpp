// Sees what others do to the members' files, without polling: an edited configuration, a master that somebody started, a
// renewed certificate. What a notice means is not decided here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/inotify.hpp"
#include "model/ids.hpp"
#include "runtime/driver.hpp"

namespace postmultid::runtime {

struct Notice {
  enum class What { configuration, pid_file, reload_on, program };
  model::MemberId id;
  What what;
  auto operator<=>(const Notice&) const = default;
};

class Lookout {
 public:
  explicit Lookout(asio::io_context& loop) : watch_(std::make_shared<host::DirectoryWatch>(loop)) {}

  /// Watches the files of these members, and no others, from a moment later on.
  void watch(std::map<model::MemberId, Watched> members);

  /// Looks again for directories that were not there, or were replaced.
  void renew();

  /// Waits until something happens, and a moment longer: a file is rarely written in one piece. Each notice once.
  asio::awaitable<std::set<Notice>> notices();

 private:
  void add(const host::Change& change, std::set<Notice>& notices) const;

  std::shared_ptr<host::DirectoryWatch> watch_;
  asio::thread_pool thread_{1};  // in order, and away from the loop: a directory may be on a file system that hangs
  std::map<model::MemberId, Watched> members_;
};

}  // namespace postmultid::runtime
