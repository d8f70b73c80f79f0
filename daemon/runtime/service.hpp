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

#include "model/event.hpp"
#include "model/instance_change.hpp"
#include "model/management.hpp"
#include "model/operation.hpp"
#include "model/plan.hpp"
#include "model/problem.hpp"
#include "model/status.hpp"
#include "runtime/access.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Service {
 public:
  template <typename T>
  using Answer = std::expected<T, model::Problem>;

  virtual ~Service() = default;

  /// Everything at one moment; the same object until something changes.
  virtual std::shared_ptr<const model::Status> status() = 0;

  /// Begins an operation. Refused with a problem if nothing is selected by it; nothing was begun then.
  virtual asio::awaitable<Answer<model::OperationId>> submit(model::Request request, model::Requester by) = 0;

  /// What that would do, and in which order. Does nothing, but for reading the files as the real one would.
  virtual asio::awaitable<Answer<model::DryRun>> rehearse(model::Request request) = 0;

  /// Ends what an operation has not begun with yet; what it has goes on.
  virtual void cancel(model::OperationId id) = 0;

  virtual std::optional<model::Operation> operation(model::OperationId id) = 0;
  virtual std::vector<model::Operation> operations() = 0;

  /// What has happened since that event, oldest first, and of that the first `most`; of what was long ago only the last
  /// events are known.
  virtual std::vector<model::Event> events_after(std::uint64_t number, std::size_t most) const = 0;
  virtual std::uint64_t newest_event() const = 0;

  /// The last lines of a member's log.
  virtual asio::awaitable<Answer<std::vector<std::string>>> last_lines(model::MemberId id, std::size_t count) = 0;

  /// Reads the definition and the inventory again. A definition with a mistake changes nothing.
  virtual asio::awaitable<Answer<void>> reread_all() = 0;

  /// A takeover, a handback, or only the wrapper, with what was done, or would be.
  virtual asio::awaitable<Answer<std::vector<model::ManagementStep>>> change_management(model::ManagementChange wanted,
                                                                                        bool dry_run,
                                                                                        model::Requester by) = 0;

  /// What it takes for Postfix's files to say what the definition file says now. Changes nothing.
  virtual asio::awaitable<Answer<model::Plan>> plan() = 0;

  /// Does it. What has begun goes on to its end, whoever waits for it.
  virtual asio::awaitable<Answer<model::Application>> apply(model::ApplyRequest wanted, model::Requester by) = 0;

  /// The same for the way back to files that are kept.
  virtual asio::awaitable<Answer<model::Plan>> plan_rollback(model::RollbackRequest wanted) = 0;
  virtual asio::awaitable<Answer<model::Application>> roll_back(model::RollbackRequest wanted, model::Requester by) = 0;

  /// This host as a definition, in YAML.
  virtual asio::awaitable<Answer<std::string>> export_definition() = 0;

  /// What is in force.
  virtual const definitions::Definition& definition() const = 0;

  /// A change of the set of instances; the next status shows it. One at a time.
  virtual asio::awaitable<Answer<model::InstanceChanged>> change_instances(model::InstanceChange change,
                                                                           model::Requester by) = 0;

  /// How much is logged, until the definition is read again.
  /// Refused, if there is no level of that name.
  virtual Answer<void> change_log_level(const std::string& level, const model::Requester& by) = 0;

  /// Who may do what, as it is known now.
  virtual const Access& access() const = 0;

  /// Where else than on the control socket we are to answer.
  virtual std::optional<definitions::Endpoint> listen() const = 0;
  /// Why nobody answers there; empty: somebody does, or nobody is to. Shown in the status.
  virtual void cannot_listen(std::string why) = 0;

  /// Returns after the next change, or after `limit`.
  virtual asio::awaitable<void> changed(std::chrono::milliseconds limit) = 0;
};

}  // namespace postmultid::runtime
