// One life of a member: what was started, or found running, until it has ended. For Postfix and for a command of ours that
// is a process that was proved; for others it is what somebody else tells of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/children.hpp"
#include "host/process.hpp"
#include "model/error.hpp"
#include "model/status.hpp"
#include "supervision/events.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Life {
 public:
  virtual ~Life() = default;

  /// Its process, for whoever looks; 0 where there is none, or none that is known. It may become another one.
  virtual pid_t pid() const { return 0; }
  virtual std::optional<model::WallTime> started_at() const { return std::nullopt; }
  /// What its process was proved by, if that may be signalled by us; `adopted` and `proved_at` are the caller's.
  virtual std::optional<model::Proof> proof() const { return std::nullopt; }
  virtual std::shared_ptr<const host::Process> process() const { return nullptr; }

  virtual bool over() const = 0;
  /// Returns when it has ended, and how; `changed` is called when pid() has become another. To be awaited once.
  virtual asio::awaitable<supervision::Exit> ended(std::function<void()> changed) const = 0;
  /// Asks for its end; `force`: without giving it time. What comes of that is told by ended().
  virtual model::Result<void> end(bool force) const = 0;
};

/// The life that is a process.
class ProcessLife : public Life {
 public:
  struct Facts {
    host::Process process;
    std::uint64_t start_ticks = 0;
    std::string executable;
    std::string proof_file;  // that its pid stands in, or that it has locked
    int stop_signal = 15;
    /// Whether its log says that somebody asked it to end. Blocks. Empty: there is no such log.
    std::function<bool()> was_asked_to_end;
  };

  ProcessLife(host::Children& children, asio::thread_pool& pool, Facts facts);

  pid_t pid() const override { return process_->pid(); }
  std::optional<model::WallTime> started_at() const override;
  std::optional<model::Proof> proof() const override;
  std::shared_ptr<const host::Process> process() const override { return process_; }
  bool over() const override { return !process_->alive(); }
  asio::awaitable<supervision::Exit> ended(std::function<void()> changed) const override;
  model::Result<void> end(bool force) const override;

 private:
  host::Children& children_;
  asio::thread_pool& pool_;
  Facts facts_;
  std::shared_ptr<const host::Process> process_;
};

}  // namespace postmultid::runtime
