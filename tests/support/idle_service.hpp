// A runtime with nothing in it that does nothing: for tests of what stands in front of one, which override what they need.
#pragma once

#include "runtime/service.hpp"

namespace postmultid::test {

namespace asio = boost::asio;

class IdleService : public runtime::Service {
 public:
  std::shared_ptr<const model::Status> status() override { return std::make_shared<model::Status>(); }
  asio::awaitable<Answer<model::OperationId>> submit(model::Request, model::Requester) override {
    co_return model::OperationId{};
  }
  asio::awaitable<Answer<model::DryRun>> rehearse(model::Request) override { co_return model::DryRun{}; }
  void cancel(model::OperationId) override {}
  std::optional<model::Operation> operation(model::OperationId) override { return std::nullopt; }
  std::vector<model::Operation> operations() override { return {}; }
  std::vector<model::Event> events_after(std::uint64_t, std::size_t) const override { return {}; }
  std::uint64_t newest_event() const override { return 0; }
  asio::awaitable<Answer<std::vector<std::string>>> last_lines(model::MemberId, std::size_t) override {
    co_return std::vector<std::string>{};
  }
  asio::awaitable<Answer<void>> reread_all() override { co_return Answer<void>{}; }
  asio::awaitable<Answer<std::vector<model::ManagementStep>>> change_management(model::ManagementChange, bool,
                                                                                model::Requester) override {
    co_return std::vector<model::ManagementStep>{};
  }
  asio::awaitable<Answer<model::InstanceChanged>> change_instances(model::InstanceChange, model::Requester) override {
    co_return model::InstanceChanged{};
  }
  Answer<void> change_log_level(const std::string&, const model::Requester&) override { return {}; }
  const runtime::Access& access() const override { return access_; }
  std::optional<definitions::Endpoint> listen() const override { return std::nullopt; }
  void cannot_listen(std::string) override {}
  asio::awaitable<void> changed(std::chrono::milliseconds) override { co_return; }

 protected:
  runtime::Access access_;
};

}  // namespace postmultid::test
