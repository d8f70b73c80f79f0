#include "supervision/health.hpp"

#include <algorithm>

namespace postmultid::supervision {

using model::Check;
using model::Health;

namespace {

constexpr unsigned kLooksToDecide = 2;

}  // namespace

void HealthRecord::look(const std::vector<Check>& seen) {
  for (const Check& check : seen) {
    auto known =
        std::find_if(checks_.begin(), checks_.end(), [&](const auto& c) { return c.decided.name == check.name; });
    if (known == checks_.end()) {
      Check undecided = check;
      undecided.ok.reset();
      known = checks_.insert(checks_.end(), Checked{undecided});
      // There is no earlier life that a good first look could be a mere moment of.
      if (check.ok == true) known->decided = check;
    }
    if (!check.ok) continue;  // it says nothing
    bool agrees = check.ok == known->decided.ok;
    known->against = agrees ? 0 : known->against + 1;
    if (!agrees && known->against < kLooksToDecide) continue;
    known->decided = check;
    known->against = 0;
  }
}

std::vector<Check> HealthRecord::checks() const {
  std::vector<Check> all;
  for (const Checked& each : checks_) all.push_back(each.decided);
  return all;
}

Health HealthRecord::health() const {
  if (checks_.empty()) return Health::unknown;
  auto is = [](std::optional<bool> ok) { return [ok](const Checked& each) { return each.decided.ok == ok; }; };
  if (std::any_of(checks_.begin(), checks_.end(), is(false))) return Health::degraded;
  return std::any_of(checks_.begin(), checks_.end(), is(true)) ? Health::ok : Health::unknown;
}

bool HealthRecord::curable() const {
  return std::any_of(checks_.begin(), checks_.end(),
                     [](const Checked& each) { return each.decided.ok == false && each.decided.curable; });
}

bool HealthRecord::in_doubt() const {
  return std::any_of(checks_.begin(), checks_.end(), [](const Checked& each) { return each.against > 0; });
}

std::string HealthRecord::complaint() const {
  std::string text;
  for (const Checked& each : checks_)
    if (each.decided.ok == false) text += (text.empty() ? "" : "; ") + each.decided.name + ": " + each.decided.detail;
  return text;
}

}  // namespace postmultid::supervision
