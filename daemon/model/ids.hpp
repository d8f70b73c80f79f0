// Identities. A member's id is its multi_instance_name, a nameless secondary's its configuration directory, a
// nameless primary's "-".
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace postmultid::model {

struct MemberId {
  std::string text;
  auto operator<=>(const MemberId&) const = default;
};

struct OperationId {
  std::uint64_t number = 0;
  auto operator<=>(const OperationId&) const = default;

  std::string text() const { return "op-" + std::to_string(number); }
};

/// The id of a primary that has no name; it selects the primary also when it has one.
inline const MemberId kPrimary{"-"};

}  // namespace postmultid::model

template <>
struct std::hash<postmultid::model::MemberId> {
  std::size_t operator()(const postmultid::model::MemberId& id) const noexcept {
    return std::hash<std::string>{}(id.text);
  }
};
