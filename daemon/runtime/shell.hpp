// The shell around the decision core: it turns what happens into events, carries out the core's actions, and keeps
// what the world may see. It decides nothing: if a case seems to need an `if` here, the core is missing a state.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>

#include "host/children.hpp"
#include "postfix/inventory.hpp"
#include "postfix/tools.hpp"
#include "runtime/operations.hpp"
#include "runtime/service.hpp"
#include "runtime/ward.hpp"
#include "supervision/fleet.hpp"

namespace postmultid::runtime {

class Shell : public Service {
 public:
  Shell(asio::io_context& loop, asio::thread_pool& pool);

  /// Reads the inventory and hands it to the core, which begins to act. Fails where there is no Postfix.
  asio::awaitable<model::Result<void>> open();

  /// Ends all members in order; `left` is called when they are down.
  void shut_down(std::function<void()> left);

  std::shared_ptr<const model::Status> status() override;
  asio::awaitable<std::expected<model::OperationId, model::Problem>> submit(model::Action action,
                                                                            model::Selection selection) override;
  std::optional<model::Operation> operation(model::OperationId id) const override { return operations_.find(id); }
  std::vector<model::Operation> operations() const override { return operations_.all(); }
  asio::awaitable<void> changed(std::chrono::milliseconds limit) override;

 private:
  using AttemptId = supervision::AttemptId;
  using Input = supervision::Input;

  asio::awaitable<model::Result<void>> reread();
  void dispatch(const supervision::Event& event);
  void happened(supervision::Happened happened);

  void perform(const supervision::FindMaster& action);
  void perform(const supervision::Check& action);
  void perform(const supervision::Launch& action);
  void perform(const supervision::Probe& action);
  void perform(const supervision::ClearListeners& action);
  void perform(const supervision::Sweep& action);
  void perform(const supervision::Abandon& action);
  void perform(const supervision::SignalMaster& action);
  void perform(const supervision::ArmTimer& action);
  void perform(const supervision::CancelTimer& action);
  void perform(const supervision::Record& action);
  void perform(const supervision::Concluded& action);
  void perform(const supervision::Forget& action);
  void perform(const supervision::Reread& action);
  void perform(const supervision::Leave& action);

  asio::awaitable<void> find_master(supervision::FindMaster action);
  asio::awaitable<void> check(supervision::Check action);
  asio::awaitable<void> launch(supervision::Launch action);
  asio::awaitable<void> probe(supervision::Probe action);
  asio::awaitable<void> clear_listeners(supervision::ClearListeners action);
  asio::awaitable<void> sweep(supervision::Sweep action);
  asio::awaitable<void> watch(model::MemberId id, std::shared_ptr<Charge> charge);
  asio::awaitable<void> look_once(model::MemberId id, std::shared_ptr<Charge> charge);
  asio::awaitable<void> observe_for_ever();
  asio::awaitable<void> observe(model::MemberId id);

  void begin_work(const model::MemberId& id, AttemptId attempt, asio::awaitable<void> work);
  Ward& ward(const model::MemberId& id);
  postfix::Instance ran_as(const model::MemberId& id);
  void keep_id_of_running(postfix::Instance& instance) const;
  Ward* current(const model::MemberId& id, AttemptId attempt);
  void take_charge(const model::MemberId& id, postfix::Master master, AttemptId attempt, bool adopted);
  void publish();

  asio::io_context& loop_;
  asio::thread_pool& pool_;
  asio::thread_pool observers_{2};  // of their own, so that a disk that hangs under a look does not stop the work
  host::Children children_;
  postfix::Tools tools_;
  postfix::Inventory inventory_;
  supervision::Fleet fleet_;
  std::map<model::MemberId, Ward> wards_;
  Operations operations_;
  std::uint64_t rereads_begun_ = 0, newest_reread_ = 0;
  std::string mail_version_;
  model::WallTime started_at_;
  std::function<void()> left_;
  asio::steady_timer change_;
  std::shared_ptr<const model::Status> status_;  // null: to be made anew
};

}  // namespace postmultid::runtime
