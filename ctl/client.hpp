// The daemon's API as pmctl uses it: JSON over HTTP/1.1 over a Unix socket.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace postmultid::ctl {

/// Exit statuses, as pmctl(1) documents them.
enum class Exit {
  ok = 0,
  failed = 1,
  usage = 2,
  not_running = 3,
  no_such_instance = 4,
  unreachable = 69,
  timed_out = 75,
  not_permitted = 77,
  refused = 78,
};

/// Why a command cannot go on: what to say, and with which status to end.
struct Trouble {
  Exit exit = Exit::failed;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Trouble>;

/// A daemon that is restarted, or crashes, breaks connections and is there again a moment later. What is lost with one is asked
/// again for some seconds, and so is what finds nobody there, once somebody has answered; where nobody has listened in the first
/// place, nothing is.
class Client {
 public:
  /// The longest that a daemon may be silent which is asked for what it knows; and for what it has to do first: it reads all
  /// instances before it acts, and where a file system hangs each postconf takes its limit of 10 s.
  static constexpr std::chrono::seconds kLookLimit{15}, kActLimit{120};

  /// `look_limit`: in all tries together.
  explicit Client(std::string socket, std::chrono::seconds look_limit = kLookLimit)
      : socket_(std::move(socket)), look_limit_(look_limit) {}

  /// Nothing is waited for longer than a second after that moment, whatever its own limit: a question that is asked just before it
  /// is still answered.
  void end_at(std::chrono::steady_clock::time_point end) { end_ = end + kLastWord; }

  /// The answer's JSON; a plain text is one string of it. A problem of the daemon's becomes a Trouble with the exit status that fits. `waits`: so long the daemon
  /// was asked to wait itself.
  Result<nlohmann::json> get(const std::string& target, std::chrono::milliseconds waits = std::chrono::milliseconds(0));

  /// The answer to a request that was heard before the connection broke; nothing: it was not.
  using Heard = std::function<Result<std::optional<nlohmann::json>>()>;

  /// `heard` is asked before a request is made again that would do more when it is made twice.
  Result<nlohmann::json> post(const std::string& target, const nlohmann::json& body, const Heard& heard = {},
                              std::chrono::milliseconds limit = kActLimit);
  Result<nlohmann::json> remove(const std::string& target);

  /// Called with each line of an answer that may have no end; with an empty one when it begins, and now and then while
  /// nothing happens. Returns whether it wants more.
  using Line = std::function<bool(const std::string&)>;

  /// Hands over lines until `line` has enough, the answer ends or breaks, or `end` comes.
  Result<void> stream(const std::string& target, const Line& line,
                      std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max());

 private:
  static constexpr std::chrono::seconds kLastWord{1};

  Result<nlohmann::json> exchange(const std::string& method, const std::string& target, const std::string& body,
                                  std::chrono::milliseconds limit, const Heard& heard = {});

  std::string socket_;
  std::chrono::milliseconds look_limit_;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::time_point::max();
  bool answered_ = false;  // at least once
};

}  // namespace postmultid::ctl
