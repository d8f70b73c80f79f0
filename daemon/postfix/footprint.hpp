// What the creation of an instance makes on the disk, noted before it begins, so that one that fails can be taken away again.
#pragma once

#include <string>
#include <vector>

#include "postfix/new_instance.hpp"

namespace postmultid::postfix {

/// What Postfix makes in a queue_directory (postfix-files(5)), and what of it may hold mail.
inline const std::vector<std::string> kMailQueues{"maildrop", "incoming", "active", "deferred",
                                                  "hold",     "corrupt",  "saved"};
inline const std::vector<std::string> kOtherQueueDirectories{"bounce",  "defer",  "flush", "pid",
                                                             "private", "public", "trace"};

class Footprint {
 public:
  Footprint() = default;  // of nothing

  /// Notes what is not there yet of all that creating it makes. Blocks.
  explicit Footprint(const NewInstance& wanted);

  /// Takes away what is there now: files of ours, and directories that are empty. Returns what is left of it, with the reason.
  /// Blocks.
  std::vector<std::string> take_away() const;

 private:
  void note(const std::string& path);

  std::vector<std::string> absent_;  // what is in another one is behind it
};

}  // namespace postmultid::postfix
