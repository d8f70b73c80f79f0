// What the shell keeps for one member: the hands and eyes that the core, being pure, does not have.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/status.hpp"
#include "postfix/identity.hpp"
#include "postfix/instance.hpp"
#include "supervision/events.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

/// A master that was proved to be this member's.
struct Charge {
  postfix::Master master;
  supervision::AttemptId id;  // the attempt under which the core knows it
  model::Proof proof;
};

struct Ward {
  explicit Ward(asio::io_context& loop) : timer(loop) {}

  postfix::Instance instance;
  bool enabled_known = true;
  bool readable = false;  // `instance` was read whole at least once

  // The work under way. The signal is shared with the coroutine that it can cancel, which may end later.
  supervision::AttemptId work = supervision::AttemptId::none;
  std::shared_ptr<asio::cancellation_signal> cancel;

  asio::steady_timer timer;
  supervision::AttemptId timer_attempt = supervision::AttemptId::none;

  std::shared_ptr<Charge> charge;  // null: no master
  std::optional<model::WallTime> started_at;

  // What was seen last.
  std::vector<model::Check> checks;
  std::vector<std::string> listeners;
  std::optional<model::QueueCounts> queue;
  std::optional<std::uint64_t> processes;
};

}  // namespace postmultid::runtime
