#include "runtime/operations.hpp"

#include <algorithm>

namespace postmultid::runtime {

using model::Operation;
using model::OperationState;
using model::Outcome;

namespace {

constexpr std::size_t kKept = 256;
constexpr std::size_t kStepsKept = 64;

}  // namespace

model::OperationId Operations::begin(model::Request request, std::vector<model::MemberId> members,
                                     std::optional<model::Requester> by, model::WallTime now) {
  Operation operation;
  operation.id = {++last_};
  operation.action = request.action;
  operation.selection = std::move(request.select);
  operation.options = request.options;
  operation.created_at = now;
  operation.requested_by = std::move(by);
  for (model::MemberId& member : members) operation.members.push_back({std::move(member), Outcome::pending, ""});
  operations_.push_back(std::move(operation));
  auto ended = std::find_if(operations_.begin(), operations_.end(),
                            [](const Operation& o) { return o.state == OperationState::finished; });
  if (operations_.size() > kKept && ended != operations_.end()) operations_.erase(ended);
  return operations_.back().id;
}

const Operation* Operations::conclude(model::OperationId id, const model::MemberId& member, Outcome outcome,
                                      std::string message, model::WallTime now) {
  Operation* operation = find_mutable(id);
  if (!operation) return nullptr;
  bool pending = false;
  for (model::OperationMember& each : operation->members) {
    if (each.id == member) {
      each.outcome = outcome;
      each.message = message;
      each.finished_at = now;
    }
    pending |= each.outcome == Outcome::pending;
  }
  if (pending || operation->state == OperationState::finished) return nullptr;
  operation->state = OperationState::finished;
  operation->finished_at = now;
  return operation;
}

std::size_t Operations::under_way() const {
  return static_cast<std::size_t>(std::count_if(operations_.begin(), operations_.end(),
                                                [](const Operation& o) { return o.state == OperationState::running; }));
}

void Operations::step(model::OperationId id, const model::MemberId& member, std::string name, model::WallTime now) {
  Operation* operation = find_mutable(id);
  if (!operation) return;
  for (model::OperationMember& each : operation->members)
    if (each.id == member && each.steps.size() < kStepsKept) each.steps.push_back({name, now});
}

void Operations::restore(std::vector<Operation> operations) {
  operations_.assign(std::move_iterator(operations.begin()), std::move_iterator(operations.end()));
  for (const Operation& operation : operations_) last_ = std::max(last_, operation.id.number);
}

Operation* Operations::find_mutable(model::OperationId id) {
  auto operation = std::find_if(operations_.begin(), operations_.end(), [&](const Operation& o) { return o.id == id; });
  return operation == operations_.end() ? nullptr : &*operation;
}

const Operation* Operations::find(model::OperationId id) const {
  auto operation = std::find_if(operations_.begin(), operations_.end(), [&](const Operation& o) { return o.id == id; });
  return operation == operations_.end() ? nullptr : &*operation;
}

}  // namespace postmultid::runtime
