// The set of instances, changed as postmulti(1) changes it: by its own script and by postconf. But no broken sibling is in the
// way, what cannot go well is refused before anything is done, and what fails in the middle is undone (docs/postfix-facts.md,
// "postmulti").
//
// One change at a time: who calls holds the turn (runtime/turn.hpp), and `present` is what Inventory::read() has listed since.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "postfix/inventory.hpp"
#include "postfix/new_instance.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// What was done, in words; empty: all was so already.
using Steps = std::vector<std::string>;

/// Why all is as it was, with the next step; or, if it was not refused, what could not be undone.
struct Unchanged {
  std::string why;
  bool refused = true;  // nothing was begun
};

using Changed = std::expected<Steps, Unchanged>;

/// The primary gets a multi_instance_wrapper, if it has none, and is enabled: before that nothing can be made.
asio::awaitable<Changed> init(Tools& tools, std::vector<Listed> present);

/// What init() would set in the primary's main.cf, as "name = value".
asio::awaitable<Changed> init_settings(Tools& tools, std::vector<Listed> present);

/// A new instance, disabled and without a listener: multi_instance_enable is not set, master_service_disable = inet. Where both
/// its files are there already they are taken as they are, as by import.
asio::awaitable<Changed> create(Tools& tools, std::vector<Listed> present, NewInstance wanted);

/// The instance in config_directory, as its files are; its queue and data are where they say. A name or a group that is given
/// replaces theirs.
asio::awaitable<Changed> import(Tools& tools, std::vector<Listed> present, NewInstance wanted);

/// Why create(), or import(), would refuse that, but for a primary that is not made ready; nothing: it would not.
asio::awaitable<std::optional<std::string>> why_not_made(Tools& tools, std::vector<Listed> present, NewInstance wanted,
                                                         bool import);

/// Another name or group; empty: none; nothing: as it is.
asio::awaitable<Changed> assign(Tools& tools, std::vector<Listed> present, Instance target,
                                std::optional<std::string> name, std::optional<std::string> group);

/// multi_instance_enable. Starts and stops nothing.
asio::awaitable<Changed> enable(Tools& tools, Instance target, bool enabled);

/// multi_instance_directories in this order: exactly those that are present, but the primary.
asio::awaitable<Changed> reorder(Tools& tools, std::vector<Listed> present, std::vector<std::string> directories);

/// Not one of ours any more. Its files stay, and Postfix's own commands still take `-c DIR` (alternate_config_directories).
asio::awaitable<Changed> deport(Tools& tools, std::vector<Listed> present, Instance target);

struct Destroyed {
  Steps steps;
  std::vector<std::string> left;  // what is still there of it
};

/// Not one of ours any more, and its directories are taken away (removal.hpp). Refused where any file is in a queue.
asio::awaitable<std::expected<Destroyed, Unchanged>> destroy(Tools& tools, std::vector<Listed> present,
                                                             Instance target);

}  // namespace postmultid::postfix
