// A request and its answer, without the library that moves them: what the handlers see.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/peer.hpp"
#include "model/problem.hpp"

namespace postmultid::control {

struct Desk;

struct Request {
  host::Peer peer;  // nobody, where a request comes over TCP
  std::string method;
  std::vector<std::string> path;               // decoded segments
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case; of one that comes twice, with a comma between
  std::string body;
  Desk* desk = nullptr;                       // never null in a handler
  std::function<void(std::string)> accepted;  // what was changed, once it is begun: for the audit
};

/// A body that comes piece by piece, as long as there is more to say.
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next piece, never empty; nothing at the end. Returns at least every half minute, so that a client who is gone
  /// is noticed.
  virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  std::shared_ptr<Stream> stream;  // instead of `body`
};

/// A configuration file may quote any bytes at us: what is not UTF-8 is replaced, never a reason to fail.
inline std::string to_text(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

inline Response answer(const nlohmann::json& body, int status = 200) {
  return {status, "application/json", to_text(body), {}, nullptr};
}

inline Response refuse(const model::Problem& problem) {
  return {problem.status, "application/problem+json", to_text(problem), {}, nullptr};
}

}  // namespace postmultid::control
