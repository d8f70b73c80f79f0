#include "model/names.hpp"

#include <algorithm>
#include <numeric>

namespace postmultid::model {

namespace {

const std::string kPrefix = "postfix-";

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// Levenshtein's distance, one row at a time.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::optional<MemberId> find_member(std::span<const Nameable> members, const std::string& typed) {
  auto matches = [&](const Nameable& member) {
    if (typed == kPrimary.text) return member.primary;
    if (typed.starts_with('/')) return member.config_directory == without_trailing_slashes(typed);
    // Both: a running instance that was renamed keeps the id of its old name until it is down.
    for (const std::string& name : {member.id.text, member.name})
      if (!name.empty() && (name == typed || name == kPrefix + typed)) return true;
    return false;
  };
  auto found = std::find_if(members.begin(), members.end(), matches);
  return found == members.end() ? std::nullopt : std::optional(found->id);
}

std::optional<std::string> nearest(std::span<const std::string> candidates, const std::string& typed) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  auto consider = [&](const std::string& candidate, const std::string& spelled) {
    std::size_t edits = distance(spelled, typed);
    if (edits * 3 <= std::max(typed.size(), spelled.size()) && (!best || edits < best_distance)) {
      best = &candidate;
      best_distance = edits;
    }
  };
  for (const std::string& candidate : candidates) {
    consider(candidate, candidate);
    if (candidate.starts_with(kPrefix)) consider(candidate, candidate.substr(kPrefix.size()));
  }
  return best ? std::optional(*best) : std::nullopt;
}

}  // namespace postmultid::model
