// What a main.cf says of some parameters, so that it can be made to say so again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "postfix/tools.hpp"

namespace postmultid::postfix {

class Settings {
 public:
  /// As they are written there, nothing expanded.
  static asio::awaitable<model::Result<Settings>> read(Tools& tools, std::string directory,
                                                       std::vector<std::string> names);

  /// Edits what is different now, by postconf: those that were not there are not there again.
  asio::awaitable<model::Result<void>> put_back(Tools& tools) const;

 private:
  std::string directory_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> values_;  // of those that are there
};

}  // namespace postmultid::postfix
