// The units of Postfix's packages, made to mean us: drop-ins for postfix.service and postfix@.service, and Debian 12's
// generator masked, so that at boot nobody but us starts an instance (docs/postfix-facts.md, "Units of the packages").
//
// Files only: whoever changes them lets systemd read them. All of it blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "model/status.hpp"

namespace postmultid::postfix {

class Facade {
 public:
  /// `pmctl`: its absolute path. `root`: for tests.
  explicit Facade(std::string pmctl, std::string root = "") : pmctl_(std::move(pmctl)), root_(std::move(root)) {}

  /// Whether systemd runs this host and a package has brought units of Postfix.
  bool possible() const;

  /// Whether units of the packages mean us now, wholly or half.
  bool in_force() const;

  /// The files that it makes here.
  std::vector<std::string> files() const;

  /// Makes the units that have instances let go of their processes: after this they can be stopped, and nobody is signalled.
  model::Result<void> loosen() const;
  /// These units, as patterns.
  std::vector<std::string> units() const;
  model::Result<void> install() const;
  /// Takes away whatever of it is there, also by another version or half.
  model::Result<void> remove() const;

  /// Until the pretence is ended, to start the unit only takes in this master, which runs already: whatever is in a unit's
  /// cgroup is its own. (It would fail to start another, and without a process it would run its ExecStop=.) systemd is told that
  /// it is the unit's main process: else it guesses after each reload, and may take a helper of postfix-script's for it, whose
  /// end would stop the unit.
  model::Result<void> pretend(const std::string& unit, const model::Proof& master) const;
  model::Result<void> end_pretence() const;
  /// The package's unit for this instance, if it has one.
  std::optional<std::string> unit_of(const model::Member& instance) const;

 private:
  std::string unit_file(const std::string& name) const;
  bool by_directory() const;

  std::string pmctl_, root_;
};

}  // namespace postmultid::postfix
