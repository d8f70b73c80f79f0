#include "runtime/life.hpp"

#include <csignal>

#include "host/exit.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/watch.hpp"

namespace postmultid::runtime {

using supervision::Exit;

namespace {

// How long the parent of a master that is not our child may take to reap it.
constexpr int kReapLooks = 10;
constexpr std::chrono::milliseconds kReapPause{10};

Exit exit_of(int wait_status) {
  auto words = host::describe_wait_status(wait_status);
  return {words.signal ? model::ExitCause::signal : model::ExitCause::exit, words.signal, words.signal_name,
          words.status, words.core_dumped};
}

}  // namespace

ProcessLife::ProcessLife(host::Children& children, asio::thread_pool& pool, Facts facts)
    : children_(children),
      pool_(pool),
      facts_(std::move(facts)),
      process_(std::make_shared<const host::Process>(std::move(facts_.process))) {
  (void)children_.take_wait_status(pid());  // of somebody else who had this number before
}

std::optional<model::WallTime> ProcessLife::started_at() const { return host::started_at(facts_.start_ticks); }

std::optional<model::Proof> ProcessLife::proof() const {
  return model::Proof{pid(), facts_.start_ticks, facts_.executable, facts_.proof_file, false, {}};
}

/// Our child's end is told to us; another's by the kernel since Linux 6.15, else at best by its log.
asio::awaitable<Exit> ProcessLife::ended(std::function<void()>) const {
  co_await host::ended(*process_);
  if (auto wait_status = children_.take_wait_status(pid())) co_return exit_of(*wait_status);
  for (int look = 0; look < kReapLooks && host::Process::tells_wait_status(); ++look) {
    if (auto wait_status = process_->wait_status()) co_return exit_of(*wait_status);
    co_await host::pause(kReapPause);
  }
  if (!facts_.was_asked_to_end) co_return Exit{};
  bool asked = co_await host::offload(pool_, facts_.was_asked_to_end);
  co_return asked ? Exit::by_request() : Exit{};
}

// Through the pidfd that was proved: it cannot reach anybody else, whatever happened to the number.
model::Result<void> ProcessLife::end(bool force) const {
  return process_->signal(force ? SIGKILL : facts_.stop_signal);
}

}  // namespace postmultid::runtime
