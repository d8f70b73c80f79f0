// Which instances there are: the primary and what its multi_instance_directories lists, each read by its own
// postconf, all at once. One that cannot be read is listed with the reason; the others are not disturbed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/fault.hpp"
#include "postfix/instance.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// One listed instance. When it is broken, `instance` holds what could still be read, or was read last time.
struct Listed {
  Instance instance;
  bool enabled_known = true;
  std::optional<model::Fault> broken;
  std::string shares;  // which endpoints it shares with which other enabled instance; empty: none
};

class Inventory {
 public:
  explicit Inventory(Tools& tools) : tools_(tools) {}

  /// In the order of multi_instance_directories, the primary first. Fails only where Postfix itself is not there.
  asio::awaitable<model::Result<std::vector<Listed>>> read();

 private:
  asio::awaitable<model::Result<std::string>> primary_directory();
  asio::awaitable<Listed> read_instance(std::string directory);
  asio::awaitable<std::vector<std::string>> tables_of(Instance instance);
  asio::awaitable<void> read_into(std::string directory, Listed& into);
  asio::awaitable<std::vector<std::string>> secondary_directories();
  asio::awaitable<model::Result<std::string>> postconf_without_master_cf(std::string directory,
                                                                         std::vector<std::string> arguments);

  Tools& tools_;
  std::string primary_;
  std::vector<std::string> secondaries_;       // as last read
  std::map<std::string, Instance> last_good_;  // by configuration directory
};

/// The path without symbolic links, as far as it is there, and without slashes at its end. Looks at the file system.
std::string canonical(const std::string& path);

/// Marks as broken every instance whose name or directories an earlier one has already: they would share a queue or
/// answer to the same name. Looks at the file system (symbolic links).
void refuse_conflicts(std::vector<Listed>& listed);

/// The same of every instance whose id another one still has, which runs on under the name that it was started with.
void refuse_taken_ids(std::vector<Listed>& listed);

}  // namespace postmultid::postfix
