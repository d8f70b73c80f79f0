// metrics: what Prometheus would read, for who cannot ask the socket himself.
#include <fmt/format.h>

#include "commands/commands.hpp"

namespace postmultid::ctl {

Exit metrics(const Options& options) {
  auto text = Client(options.socket).get("/metrics");
  if (!text) return complain(text.error());
  fmt::print("{}", text->get<std::string>());
  return Exit::ok;
}

}  // namespace postmultid::ctl
