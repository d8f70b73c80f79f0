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
  // As it was when its master was started or found: where that master's processes and sockets are, whatever the
  // files say by now.
  std::optional<postfix::Instance> ran_as;

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
  bool observing = false;  // an observation is under way; if its disk hangs there is never a second one
};

}  // namespace postmultid::runtime
