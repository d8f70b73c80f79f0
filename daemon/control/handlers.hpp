// What each route does. A handler only translates: the runtime answers. snapshot_handlers.cpp: what is read from the snapshot
// alone; handlers.cpp: the rest.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "control/message.hpp"
#include "runtime/service.hpp"

namespace postmultid::control {

namespace asio = boost::asio;

using Handler = asio::awaitable<Response> (*)(runtime::Service&, Request, std::string parameter);

asio::awaitable<Response> get_status(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_instances(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_instance(runtime::Service&, Request, std::string id);
asio::awaitable<Response> get_groups(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_group(runtime::Service&, Request, std::string name);
asio::awaitable<Response> get_operations(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_operation(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_operation(runtime::Service&, Request, std::string id);
asio::awaitable<Response> delete_operation(runtime::Service&, Request, std::string id);
asio::awaitable<Response> get_log(runtime::Service&, Request, std::string id);
asio::awaitable<Response> get_events(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_reread(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_instances(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_log_level(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_takeover(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_handback(runtime::Service&, Request, std::string);
asio::awaitable<Response> post_wrapper(runtime::Service&, Request, std::string wanted);
asio::awaitable<Response> get_openapi(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_health(runtime::Service&, Request, std::string);
asio::awaitable<Response> get_metrics(runtime::Service&, Request, std::string);

}  // namespace postmultid::control
