// The operations under way and the last ones that ended.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

#include "model/operation.hpp"

namespace postmultid::runtime {

class Operations {
 public:
  model::OperationId begin(model::Request request, std::vector<model::MemberId> members,
                           std::optional<model::Requester> by, model::WallTime now);

  /// One member goes on to its next step.
  void step(model::OperationId id, const model::MemberId& member, std::string name, model::WallTime now);

  /// What became of one member; the last one ends the operation, which is returned then.
  const model::Operation* conclude(model::OperationId id, const model::MemberId& member, model::Outcome outcome,
                                   std::string message, model::WallTime now);

  std::size_t under_way() const;

  /// Goes on with those of an earlier daemon.
  void restore(std::vector<model::Operation> operations);

  /// Null if it is not known, or not any more.
  const model::Operation* find(model::OperationId id) const;
  std::vector<model::Operation> all() const { return {operations_.begin(), operations_.end()}; }

 private:
  model::Operation* find_mutable(model::OperationId id);

  std::deque<model::Operation> operations_;  // the youngest at the back; those that ended are bounded
  std::uint64_t last_ = 0;
};

}  // namespace postmultid::runtime
