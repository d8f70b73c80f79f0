// Who is supervised, how, and in which order: what Postfix's own files list, with what the definition declares laid
// over it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "definitions/definition.hpp"
#include "host/units.hpp"
#include "postfix/inventory.hpp"
#include "runtime/driver.hpp"
#include "supervision/events.hpp"

namespace postmultid::runtime {

struct Entry {
  supervision::MemberSpec spec;
  std::shared_ptr<const Driver> driver;
  bool enabled_known = true;
  std::string shares;  // endpoints, with whom: shown, and no reason not to start
};

struct Roster {
  std::vector<Entry> entries;  // those of one group in its order
  std::vector<supervision::GroupSpec> groups;
  std::vector<std::string> problems;  // where the definition does not fit this host: FILE:LINE:COLUMN: …
};

/// Makes the drivers.
class Crew {
 public:
  virtual ~Crew() = default;
  virtual std::shared_ptr<const Driver> drive(const postfix::Instance& instance, std::vector<std::string> reload_on,
                                              host::ScopeLimits limits) const = 0;
  virtual std::shared_ptr<const Driver> drive(const definitions::Companion& companion,
                                              host::ScopeLimits limits) const = 0;
};

Roster compose(const std::vector<postfix::Listed>& listed, const definitions::Definition& definition, const Crew& crew);

}  // namespace postmultid::runtime
