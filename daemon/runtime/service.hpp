// The one narrow door through which the control API sees the runtime: what is (a snapshot), what is asked (submit),
// and when to look again (changed). For the event loop only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/operation.hpp"
#include "model/problem.hpp"
#include "model/status.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Service {
 public:
  virtual ~Service() = default;

  /// Everything at one moment; the same object until something changes.
  virtual std::shared_ptr<const model::Status> status() = 0;

  /// Begins an operation. Refused with a problem if nothing is selected by it; nothing was begun then.
  virtual asio::awaitable<std::expected<model::OperationId, model::Problem>> submit(model::Action action,
                                                                                    model::Selection selection) = 0;

  virtual std::optional<model::Operation> operation(model::OperationId id) const = 0;
  virtual std::vector<model::Operation> operations() const = 0;

  /// Returns after the next change, or after `limit`.
  virtual asio::awaitable<void> changed(std::chrono::milliseconds limit) = 0;
};

}  // namespace postmultid::runtime
