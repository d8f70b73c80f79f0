// How a name typed by a person finds a member: the rules of postmulti -i, and the nearest name when none fits.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/ids.hpp"

namespace postmultid::model {

/// The parts of a member that a name can mean.
struct Nameable {
  MemberId id;
  std::string name, config_directory;
  bool primary = false;
};

/// The member that `typed` means: "-" is the primary; a word with a leading "/" is a configuration directory; a word
/// without the "postfix-" prefix may be the rest of a name that has it ("out" = postfix-out); else the whole name.
std::optional<MemberId> find_member(std::span<const Nameable> members, const std::string& typed);

/// The candidate with the fewest edits from `typed`, if that is a plausible slip (at most a third of its letters).
std::optional<std::string> nearest(std::span<const std::string> candidates, const std::string& typed);

}  // namespace postmultid::model
