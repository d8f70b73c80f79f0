// The trigger protocol of pickup and qmgr (docs/postfix-facts.md, "Readiness"): a few bytes to their socket in public/;
// there is no answer but the end of the connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include "host/fd.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

namespace asio = boost::asio;

/// A socket in public/, reached through the directory's descriptor: a queue_directory may be longer than the 108
/// bytes of a socket address.
class PublicSocket {
 public:
  PublicSocket(const Instance& instance, const std::string& service);

  const asio::local::stream_protocol::endpoint& endpoint() const { return endpoint_; }

 private:
  host::Fd directory_;
  asio::local::stream_protocol::endpoint endpoint_;
};

/// Empty if the server has read the request, else why not. The request is never empty: a silent connection would block
/// the server for 10 s.
asio::awaitable<std::string> trigger(Instance instance, std::string service, std::string request);

/// `postfix flush`: try everything that is queued, now. Empty, or why it was not heard.
asio::awaitable<std::string> flush(Instance instance);

}  // namespace postmultid::postfix
