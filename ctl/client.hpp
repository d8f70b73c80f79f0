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
/// again for some seconds; where nobody has listened in the first place, nothing is.
class Client {
 public:
  // A start reads all instances before it is answered; where a file system hangs each postconf takes its limit of 10 s.
  static constexpr std::chrono::seconds kAnswerLimit{120};

  /// `answer_limit`: the longest that it may be silent, in all tries together.
  explicit Client(std::string socket, std::chrono::seconds answer_limit = kAnswerLimit)
      : socket_(std::move(socket)), answer_limit_(answer_limit) {}

  /// The answer's JSON; a plain text is one string of it. A problem of the daemon's becomes a Trouble with the exit status that fits.
  Result<nlohmann::json> get(const std::string& target);

  /// The answer to a request that was heard before the connection broke; nothing: it was not.
  using Heard = std::function<Result<std::optional<nlohmann::json>>()>;

  /// `heard` is asked before a request is made again that would do more when it is made twice.
  Result<nlohmann::json> post(const std::string& target, const nlohmann::json& body, const Heard& heard = {});
  Result<nlohmann::json> remove(const std::string& target);

  /// Called with each line of an answer that may have no end; with an empty one when it begins, and now and then while
  /// nothing happens. Returns whether it wants more.
  using Line = std::function<bool(const std::string&)>;

  /// Hands over lines until `line` has enough, the answer ends or breaks, or `end` comes.
  Result<void> stream(const std::string& target, const Line& line,
                      std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max());

 private:
  Result<nlohmann::json> exchange(const std::string& method, const std::string& target, const std::string& body,
                                  const Heard& heard = {});

  std::string socket_;
  std::chrono::seconds answer_limit_;
};

}  // namespace postmultid::ctl
