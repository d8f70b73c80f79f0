#include "control/rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "control/message.hpp"
#include "control/metrics.hpp"
#include "host/watch.hpp"

namespace postmultid::control {

using model::Member;
using nlohmann::json;
using std::chrono::steady_clock;

namespace {

// Ten at once and then ten a second: never more than 20 in a second.
constexpr std::chrono::milliseconds kPeriod{100};
constexpr int kAtOnce = 10;

std::string to_line(const json& value) {
  std::string text = to_text(value);
  text.pop_back();
  return text;
}

bool is_missing(const Member& member) { return member.desired == model::Desired::up && !model::is_up(member.state); }

}  // namespace

Body tagged(std::string text) {
  std::string tag = fmt::format("\"{:016x}\"", std::hash<std::string>{}(text));
  return {std::move(text), std::move(tag)};
}

Rendering::Rendering(std::shared_ptr<const model::Status> status, const Rendering* before)
    : status_(std::move(status)), members_(status_->members.size()) {
  if (!before) return;
  const auto& now = status_->members;
  const auto& then = before->status_->members;
  for (std::size_t i = 0; i < std::min(now.size(), then.size()); ++i)
    if (now[i] == then[i]) members_[i] = before->members_[i];
}

const std::string& Rendering::member(std::size_t index) {
  Text& text = members_[index];
  if (!text) text = std::make_shared<const std::string>(to_line(status_->members[index]));
  return *text;
}

std::string Rendering::members() {
  std::string text = "[";
  for (std::size_t i = 0; i < members_.size(); ++i) text.append(i == 0 ? "" : ",").append(member(i));
  return text + "]";
}

const Body& Rendering::status() {
  if (!whole_)
    whole_ = tagged(R"({"daemon":)" + to_line(status_->daemon) + R"(,"groups":)" + to_line(status_->groups) +
                    R"(,"members":)" + members() + "}\n");
  return *whole_;
}

const Body& Rendering::instances() {
  if (!instances_) instances_ = tagged(members() + "\n");
  return *instances_;
}

Body Rendering::instance(std::size_t index) { return tagged(member(index) + "\n"); }

const Body& Rendering::groups() {
  if (!groups_) groups_ = tagged(to_text(status_->groups));
  return *groups_;
}

Body Rendering::group(std::size_t index) const { return tagged(to_text(status_->groups[index])); }

bool Rendering::is_ready() const { return std::ranges::none_of(status_->members, is_missing); }

const Body& Rendering::ready() {
  if (ready_) return *ready_;
  json missing = json::array();
  for (const Member& each : status_->members)
    if (is_missing(each)) missing.push_back(each.id.text);
  ready_ = tagged(to_text({{"level", "ready"}, {"ok", is_ready()}, {"missing", std::move(missing)}}));
  return *ready_;
}

const std::string& Rendering::metrics() {
  if (!metrics_) metrics_ = snapshot_metrics(*status_);
  return *metrics_;
}

asio::awaitable<std::shared_ptr<Rendering>> Renderings::now() {
  for (;;) {
    auto status = service_.status();
    if (newest_ && newest_->of() == status) co_return newest_;
    auto moment = steady_clock::now();
    auto due = std::max(rested_at_, moment) + kPeriod;
    auto early = std::chrono::ceil<std::chrono::milliseconds>(due - moment - kAtOnce * kPeriod);
    if (early <= std::chrono::milliseconds(0)) {
      rested_at_ = due;
      newest_ = std::make_shared<Rendering>(std::move(status), newest_.get());
      co_return newest_;
    }
    co_await host::pause(early);
  }
}

}  // namespace postmultid::control
