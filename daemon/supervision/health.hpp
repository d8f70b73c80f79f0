// How well a running member does its work, by looks that are repeated. One bad look is no news: a busy host answers late now
// and then. So a check turns bad by two bad looks in a row, and good again by two good ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/status.hpp"

namespace postmultid::supervision {

class HealthRecord {
 public:
  /// What a look showed. A check that it does not mention stays as it was.
  void look(const std::vector<model::Check>& seen);

  /// Another life: nothing is known of it.
  void clear() { checks_.clear(); }

  /// As decided, with the newest words, in the order in which they were first seen.
  std::vector<model::Check> checks() const;

  model::Health health() const;
  /// Something bad that may end by a restart.
  bool curable() const;
  /// The last look says something else than what is decided: the next one is wanted soon.
  bool in_doubt() const;
  /// What is bad, in words; empty if nothing is.
  std::string complaint() const;

 private:
  struct Checked {
    model::Check decided;
    unsigned against = 0;  // looks in a row that say something else
  };

  std::vector<Checked> checks_;  // a handful
};

}  // namespace postmultid::supervision
