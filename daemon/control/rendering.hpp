// The bodies of what is answered from the snapshot alone. Each is made once for a snapshot, by the first who asks for it, and
// kept; what a member's part is, is taken over where the member has not changed. So a poll costs a copy.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

/// A body with its strong entity tag, quotes included: the same text has the same one, from whichever daemon.
struct Body {
  std::string text, tag;
};

Body tagged(std::string text);

/// The bodies of one snapshot.
class Rendering {
 public:
  /// `before`: the one of the snapshot before, or null.
  Rendering(std::shared_ptr<const model::Status> status, const Rendering* before);

  const std::shared_ptr<const model::Status>& of() const { return status_; }

  const Body& status();
  const Body& instances();
  Body instance(std::size_t index);
  const Body& groups();
  Body group(std::size_t index) const;
  /// Whether all that is wanted is up, and what is missing.
  const Body& ready();
  bool is_ready() const;
  const std::string& metrics();

 private:
  using Text = std::shared_ptr<const std::string>;

  const std::string& member(std::size_t index);
  std::string members();

  std::shared_ptr<const model::Status> status_;
  std::vector<Text> members_;  // null: not made yet
  std::optional<Body> whole_, instances_, groups_, ready_;
  std::optional<std::string> metrics_;
};

/// Gives the rendering of the newest snapshot. Where snapshots change without end, at most 20 are rendered in any second: who
/// asks for one more waits for it, at most a tenth of a second, and is never told what was.
class Renderings {
 public:
  explicit Renderings(runtime::Service& service) : service_(service) {}

  asio::awaitable<std::shared_ptr<Rendering>> now();

 private:
  runtime::Service& service_;
  std::shared_ptr<Rendering> newest_;
  std::chrono::steady_clock::time_point rested_at_{};  // when ten may be made at once again
};

}  // namespace postmultid::control
