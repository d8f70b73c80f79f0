// A connection to the control socket, or to the loopback listener, from its first byte to its end: the real code behind a
// socket pair, in front of a made-up runtime. The input's first byte says who asks and how; the rest is what they send, or
// the JSON body of a request that is right otherwise.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "control/connection.hpp"
#include "fuzz.hpp"
#include "host/log.hpp"
#include "idle_service.hpp"

using namespace postmultid;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

namespace {

constexpr uid_t kMonitor = 1001, kStranger = 1002;
constexpr control::DoorLimits kLimits{.connections = {8, 4, 1},
                                      .requests = {2, 1, 1},
                                      .subscribers = {2, 1, 1},
                                      .body_bytes = {1 << 20, 40'000, 1 << 19}};

/// Answers all at once, and is gone in the middle of every stream.
class Invented : public test::IdleService {
 public:
  explicit Invented(std::function<void()> leave) : leave_(std::move(leave)) {
    access_.users[kMonitor] = model::Role::monitor;
    auto status = std::make_shared<model::Status>();
    for (const char* id : {"-", "postfix-out"}) {
      model::Member member;
      member.id.text = id;
      status->members.push_back(std::move(member));
    }
    status_ = std::move(status);
  }

  std::shared_ptr<const model::Status> status() override { return status_; }
  asio::awaitable<Answer<model::OperationId>> submit(model::Request request, model::Requester) override {
    fuzz::always(model::unfit(request).empty(), "only what makes sense gets here");
    model::OperationId id;
    id.number = 1;
    co_return id;
  }
  asio::awaitable<Answer<model::DryRun>> rehearse(model::Request request) override {
    model::DryRun nothing;
    nothing.request = std::move(request);
    co_return nothing;
  }
  std::optional<model::Operation> operation(model::OperationId id) override {
    if (id.number != 1) return std::nullopt;
    model::Operation ended;
    ended.id = id;
    ended.state = model::OperationState::finished;
    return ended;
  }
  std::vector<model::Event> events_after(std::uint64_t number, std::size_t most) const override {
    std::vector<model::Event> events;
    for (std::uint64_t next = number; next < happened_ && events.size() < most;) {
      model::Event event;
      event.number = ++next;
      event.instance = next % 2 ? "-" : "postfix-out";
      events.push_back(std::move(event));
    }
    return events;
  }
  std::uint64_t newest_event() const override { return happened_; }
  asio::awaitable<Answer<std::vector<std::string>>> last_lines(model::MemberId, std::size_t) override {
    co_return std::vector<std::string>{"a line, \xff"};
  }
  asio::awaitable<void> changed(std::chrono::milliseconds) override {
    ++happened_;
    leave_();
    co_return;
  }

 private:
  std::function<void()> leave_;
  std::uint64_t happened_ = 1;
  std::shared_ptr<const model::Status> status_;
};

/// Sends all, and reads until there is no more.
asio::awaitable<void> ask(Local::socket& client, std::string sent, std::string& heard) {
  boost::system::error_code error;
  auto bytes = asio::buffer(sent);
  co_await asio::async_write(client, bytes, asio::redirect_error(asio::use_awaitable, error));
  client.shutdown(Local::socket::shutdown_send, error);
  std::string piece(4096, '\0');
  while (!error) {
    auto room = asio::buffer(piece);
    auto size = co_await client.async_read_some(room, asio::redirect_error(asio::use_awaitable, error));
    heard.append(piece, 0, size);
  }
  client.close(error);
}

/// Every answer of those that were heard one after another, the last of which may have been cut short.
std::vector<http::status> statuses_of(std::string_view heard) {
  std::vector<http::status> statuses;
  while (!heard.empty()) {
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    parser.body_limit(boost::none);
    boost::system::error_code error;
    std::size_t used = parser.put(asio::buffer(heard), error);
    if (!parser.is_header_done()) break;
    statuses.push_back(parser.get().result());
    if (!parser.is_done() || used == 0) break;
    heard.remove_prefix(used);
  }
  return statuses;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  host::set_log_level(host::Level::error);
  std::string sent = fuzz::text_of(data, size);
  unsigned how = sent.empty() ? 0 : static_cast<unsigned char>(sent[0]);
  if (!sent.empty()) sent.erase(0, 1);
  if (how & 8)
    sent = std::string("POST /v1/") + (how & 16 ? "daemon/takeover" : "operations?wait=1s") +
           " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(sent.size()) + "\r\n\r\n" + sent;
  host::Peer peer;
  peer.uid = std::array<uid_t, 4>{0, 0, kMonitor, kStranger}[how & 3];

  static control::Audit audit;
  asio::io_context loop(1);
  Local::socket client(loop), server(loop);
  asio::local::connect_pair(client, server);
  Invented service([&client] {
    boost::system::error_code closed;
    client.close(closed);
  });
  control::Traffic traffic{.nobody_waits = asio::steady_timer(loop)};
  control::Desk desk(service);
  control::Door door(service, audit, traffic, desk, kLimits);
  if (how & 4) door.loopback = definitions::Endpoint{.host = "127.0.0.1", .port = 9780};

  std::string heard;
  bool ended = false;
  asio::co_spawn(loop, ask(client, sent, heard), [](std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
  });
  asio::co_spawn(loop, control::converse(control::Socket(std::move(server)), door, peer),
                 [&ended](std::exception_ptr failed) {
                   if (failed) std::rethrow_exception(failed);
                   ended = true;
                 });
  loop.run_for(std::chrono::seconds(5));

  fuzz::always(ended, "every connection ends");
  fuzz::always(heard.empty() || heard.starts_with("HTTP/1.1 "), "an answer is one");
  for (http::status status : statuses_of(heard))
    fuzz::always(status != http::status::internal_server_error, "nothing that is sent is a fault of ours");
  fuzz::always(traffic.under_way == 0, "nobody is waited for afterwards");
  for (const control::Allowance* each : {&door.requests, &door.subscribers, &door.body_bytes})
    fuzz::always(each->taken() == 0, "all is given back");
  bool may_change = !(how & 4) && peer.uid == 0;
  fuzz::always(may_change || heard.find("\"state\":\"finished\"") == std::string::npos, "only root changes something");
  return 0;
}
