// Taking an instance's directories away, where its queue is empty: what postmulti's rmdir leaves of one that has run, too. Mail is
// never removed: what holds mail is only ever removed by rmdir, which takes nothing that is not empty.
//
// All of it blocks; of an instance that is down (at_rest.hpp).
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/error.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Every file in the directories that hold mail, whatever it is called: "3 in hold, 1 in maildrop"; empty: none. Fails where one
/// cannot be read.
model::Result<std::string> mail_in(const std::string& queue_directory);

/// The directories that hold mail, gone for now.
class MailQueues {
 public:
  MailQueues() = default;  // none

  /// Removes them all, or, where mail has come in meanwhile, none.
  static model::Result<MailQueues> remove(const std::string& queue_directory);

  /// As they were.
  void put_back() const;

 private:
  std::string queue_directory_;
  std::vector<std::pair<std::string, struct stat>> removed_;
};

/// Removes what Postfix has made for itself and can make again: locks, sockets, caches, copies of this host's own files for a
/// chroot, main.cf and master.cf, and each directory that is empty then. Returns the paths of what is left.
std::vector<std::string> remove_rest(const Instance& instance);

}  // namespace postmultid::postfix
