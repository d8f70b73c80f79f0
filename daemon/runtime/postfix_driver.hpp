// A member that is a Postfix instance.
#pragma once

#include "host/scopes.hpp"
#include "postfix/census.hpp"
#include "postfix/identity.hpp"
#include "postfix/instance.hpp"
#include "postfix/last_good.hpp"
#include "postfix/queue_mounts.hpp"
#include "postfix/tools.hpp"
#include "runtime/driver.hpp"

namespace postmultid::runtime {

class PostfixDriver : public Driver {
 public:
  PostfixDriver(host::Children& children, postfix::Tools& tools, postfix::QueueMounts& mounts,
                postfix::LastGood& last_good, postfix::Census& census, host::Scopes& scopes, postfix::Instance instance,
                std::vector<std::string> reload_on, host::ScopeLimits limits)
      : children_(children),
        tools_(tools),
        mounts_(mounts),
        last_good_(last_good),
        census_(census),
        scopes_(scopes),
        scope_{scope_of(instance), "Postfix instance " + instance.id.text, limits},
        instance_(std::move(instance)),
        reload_on_(std::move(reload_on)) {}

  /// "postfix-out.scope", "postfix.scope" of the nameless primary.
  static std::string scope_of(const postfix::Instance& instance);

  void describe(model::Member& member) const override;
  Watched watched() const override;
  bool needs_restart_from(const Driver& before) const override;

  asio::awaitable<Search> find() const override;
  asio::awaitable<Done> check(bool accept_new_queue) const override;
  asio::awaitable<Done> guard(bool restart, bool accept_new_queue, pid_t pid) const override;
  asio::awaitable<Done> launch(bool accept_new_queue) const override;
  asio::awaitable<Proved> await_life(milliseconds limit) const override;
  asio::awaitable<Ready> await_ready(pid_t pid, milliseconds limit) const override;
  asio::awaitable<model::Readiness> look(pid_t pid, Look how) const override;
  asio::awaitable<unsigned> clear_listeners(pid_t dead) const override;
  asio::awaitable<host::Processes> commands(pid_t pid) const override;
  asio::awaitable<host::Processes> survivors(pid_t pid) const override;
  asio::awaitable<void> sweep(bool force, pid_t only_of, host::Processes commands) const override;
  asio::awaitable<void> drain(pid_t dead, std::function<void(std::string)> tell) const override;
  asio::awaitable<Done> reload(std::shared_ptr<const host::Process> process) const override;
  asio::awaitable<Done> flush() const override;
  asio::awaitable<Done> enable(bool enabled) const override;

  bool was_stopped_by_others(pid_t pid) const override;
  bool is_outdated(pid_t pid) const override;

  std::vector<std::string> serves() const override;
  host::LogMark mark_log() const override;
  asio::awaitable<model::Fault> explain(model::Fault fault, host::LogMark since, pid_t dead) const override;

  host::Cgroup cgroup() const override { return scopes_.cgroup(scope_); }
  asio::awaitable<std::vector<std::string>> enforce_limits(pid_t pid) const override;
  Counts count() const override;
  model::Result<std::vector<std::string>> last_lines(std::size_t count) const override;

 private:
  std::shared_ptr<const Life> life_of(postfix::Master master) const;
  asio::awaitable<Done> look_at_mount(bool accept_new_queue) const;
  void remember_mount() const;
  void keep_configuration(model::WallTime read_at) const;
  asio::awaitable<model::Fault> with_last_good(model::Fault fault) const;

  host::Children& children_;
  postfix::Tools& tools_;
  postfix::QueueMounts& mounts_;
  postfix::LastGood& last_good_;
  postfix::Census& census_;
  host::Scopes& scopes_;
  host::Scope scope_;
  postfix::Instance instance_;
  std::vector<std::string> reload_on_;
};

}  // namespace postmultid::runtime
