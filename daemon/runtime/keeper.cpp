#include "runtime/keeper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "host/atomic_file.hpp"
#include "host/deadline.hpp"
#include "host/log.hpp"
#include "host/offload.hpp"
#include "host/own_file.hpp"
#include "host/proc.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/shell.hpp"

namespace postmultid::runtime {

using host::Level;
using model::Result;

namespace {

constexpr std::size_t kLargestFile = 64 * 1024 * 1024;
constexpr std::chrono::milliseconds kTogether{100};
constexpr std::chrono::seconds kTryAgain{5};
constexpr auto kNever = asio::steady_timer::time_point::max();

}  // namespace

Keeper::Keeper(asio::io_context& loop, asio::thread_pool& pool, std::string file, std::function<Handover()> collect,
               std::function<void()> told)
    : loop_(loop),
      pool_(pool),
      file_(std::move(file)),
      boot_id_(host::boot_id()),
      collect_(std::move(collect)),
      told_(std::move(told)),
      next_(loop, kNever),
      done_(loop, kNever) {}

asio::awaitable<std::optional<Handover>> Keeper::read() {
  auto look = [file = file_, boot_id = boot_id_]() -> Result<std::optional<Handover>> {
    auto text = host::read_own_file(file, kLargestFile);
    if (!text) return model::failure("cannot be used: " + text.error().message);
    if (!*text) return std::nullopt;
    auto handover = read_handover(**text, boot_id, std::chrono::steady_clock::now());
    if (!handover) return std::unexpected(handover.error());
    return std::optional(std::move(*handover));
  };
  auto left = co_await host::offload(pool_, std::move(look));
  if (left) co_return std::move(*left);
  host::log(Level::warning,
            file_ + " is left aside, so what runs is taken as wanted, and what else is enabled is started: it " +
                left.error().message);
  co_return std::nullopt;
}

void Keeper::begin() { asio::co_spawn(loop_, write_for_ever(), report_end); }

void Keeper::changed() {
  ++changes_;
  if (idle_) next_.cancel();
}

asio::awaitable<void> Keeper::kept(std::chrono::milliseconds limit) {
  hurry_ = true;
  next_.cancel();
  auto in_time = co_await host::within(limit, attempted(changes_));
  if (!in_time) tell(file_ + " is not written in time: does its disk hang?");
}

asio::awaitable<bool> Keeper::attempted(std::uint64_t change) {
  while (attempted_ < change) {
    boost::system::error_code woken;
    co_await done_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  co_return true;
}

asio::awaitable<void> Keeper::write_for_ever() {
  std::string in_file;
  for (;;) {
    boost::system::error_code woken;
    while (attempted_ == changes_) {
      idle_ = true;
      next_.expires_at(kNever);
      co_await next_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      idle_ = false;
    }
    if (!hurry_) {
      next_.expires_after(trouble_.empty() ? kTogether : kTryAgain);
      co_await next_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    hurry_ = false;
    std::uint64_t change = changes_;
    auto write = [file = file_, boot_id = boot_id_, before = in_file, handover = collect_()]() -> Result<std::string> {
      std::string text = to_text(handover, boot_id);
      if (text == before) return text;
      fault_point("write");
      if (auto done = host::replace_own_file(file, text); !done) return std::unexpected(done.error());
      fault_point("written");
      return text;
    };
    auto written = co_await host::offload(pool_, std::move(write));
    if (written) in_file = std::move(*written);
    attempted_ = change;
    tell(written ? "" : written.error().message);
    done_.expires_at(kNever);  // wakes who waits in attempted()
  }
}

void Keeper::tell(std::string trouble) {
  if (trouble == trouble_) return;
  trouble_ = std::move(trouble);
  told_();
}

}  // namespace postmultid::runtime
