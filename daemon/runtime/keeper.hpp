// Keeps in a file what the next daemon has to know: written away from the event loop, soon after a change and together with
// what else changes meanwhile, and at once for whoever waits for it. Only where nobody else may write: what an earlier daemon
// wished decides what is started and stopped. A disk that is full, read-only or hangs costs that
// memory and nothing else; what is wrong is told, and tried again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "model/error.hpp"
#include "runtime/handover.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Keeper {
 public:
  /// `collect` says what is to be kept now; called from the event loop. `told` is called there when `trouble()` is another.
  Keeper(asio::io_context& loop, asio::thread_pool& pool, std::string file, std::function<Handover()> collect,
         std::function<void()> told);

  /// What an earlier daemon of this boot has left; nothing if there was none, or what it left is of no use, which is logged.
  asio::awaitable<std::optional<Handover>> read();

  /// From now on what changes is written.
  void begin();

  /// Something may be another now.
  void changed();

  /// Returns when what is true now is in the file, or cannot be written, or after `limit`.
  asio::awaitable<void> kept(std::chrono::milliseconds limit);

  /// Why it is not kept; empty: it is.
  const std::string& trouble() const { return trouble_; }

 private:
  asio::awaitable<void> write_for_ever();
  asio::awaitable<bool> attempted(std::uint64_t change);
  void tell(std::string trouble);

  asio::io_context& loop_;
  asio::thread_pool& pool_;
  std::string file_, boot_id_;
  std::function<Handover()> collect_;
  std::function<void()> told_;
  std::string trouble_;
  std::uint64_t changes_ = 0, attempted_ = 0;
  bool idle_ = false, hurry_ = false;
  asio::steady_timer next_;  // what the writer waits on
  asio::steady_timer done_;  // wakes those who wait
};

}  // namespace postmultid::runtime
