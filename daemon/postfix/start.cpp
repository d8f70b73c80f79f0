#include "postfix/start.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "host/offload.hpp"
#include "postfix/last_words.hpp"
#include "postfix/listen.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;

namespace {

std::string ended_with(const host::Ended& ended) {
  if (WIFEXITED(ended.wait_status)) return "exited with status " + std::to_string(WEXITSTATUS(ended.wait_status));
  return "was killed by signal " + std::to_string(WTERMSIG(ended.wait_status));
}

/// What people read of a program's output.
std::vector<std::string> last_lines_of(const std::string& output) {
  constexpr std::size_t kMost = 6, kLongest = 400;
  std::vector<std::string> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.find("overriding earlier entry") != std::string::npos || line.empty()) continue;
    lines.push_back(line.substr(0, kLongest));
    if (lines.size() > kMost) lines.erase(lines.begin());
  }
  return lines;
}

/// Debian's packages before 3.9.1-7 copy what chrooted services need (resolv.conf, services, CA certificates) only
/// in their own unit, by this script; later ones do it in every check. By name it fails when a sibling's
/// configuration is broken; with "-" and MAIL_CONFIG it looks at this instance alone (docs/postfix-facts.md,
/// "Debian").
std::string chroot_script(const Instance& instance) {
  int major = 0, minor = 0;
  bool old = std::sscanf(instance.mail_version.c_str(), "%d.%d", &major, &minor) == 2 &&
             (major < 3 || (major == 3 && minor < 9));
  bool chrooted = std::any_of(instance.services.begin(), instance.services.end(),
                              [](const Service& service) { return service.chroot; });
  std::string script = std::filesystem::path(instance.daemon_directory).parent_path() / "configure-instance.sh";
  return old && chrooted && ::access(script.c_str(), X_OK) == 0 ? script : "";
}

/// Why `master -w` failed, as far as that can be seen. It tells that only to syslog, even with maillog_file
/// (docs/postfix-facts.md, "Logging").
Fault explain(const Instance& instance, const host::Ended& ended) {
  if (auto lacking = lacks_port(instance, 0)) return *lacking;
  if (auto lacking = lacks_address(instance)) return *lacking;
  if (auto lacking = lacks_space(instance)) return *lacking;
  return {FailureClass::crash, "start-failed", "master -w " + ended_with(ended),
          "journalctl -t " + instance.syslog_name + "/master -n 20"};
}

Fault could_not(const model::Error& error) { return {FailureClass::environment, "not-executed", error.message, ""}; }

}  // namespace

asio::awaitable<Done> check(Tools& tools, Instance instance) {
  auto look = [instance] { return chroot_script(instance); };
  std::string script = co_await host::offload(tools.pool(), std::move(look));
  if (!script.empty()) {
    auto copied = co_await tools.run(words(script, "-"), words("MAIL_CONFIG=" + instance.config_directory));
    if (!copied) co_return std::unexpected(could_not(copied.error()));
    if (!copied->ok()) {
      auto understand = [instance, script, failed = *copied] {
        if (auto lacking = lacks_space(instance)) return *lacking;
        return Fault{FailureClass::config, "chroot-failed",
                     script + " " + ended_with(failed) + ": " + reason_in(failed.output),
                     "MAIL_CONFIG=" + instance.config_directory + " " + script + " -"};
      };
      Fault fault = co_await host::offload(tools.pool(), std::move(understand));
      co_return std::unexpected(std::move(fault));
    }
  }
  auto argv = words(instance.command_directory + "/postfix", "-c", instance.config_directory, "check");
  auto ended = co_await tools.run(argv);
  // With maillog_file set, a first check that has something to log can fail where the second succeeds
  // (docs/postfix-facts.md, "postfix check").
  if (ended && !ended->ok()) ended = co_await tools.run(argv);
  if (!ended) co_return std::unexpected(could_not(ended.error()));
  if (ended->ok()) co_return Done{};
  auto understand = [instance, failed = *ended] {
    if (auto lacking = lacks_space(instance)) return *lacking;
    std::string said = reason_in(failed.output);
    Fault fault{FailureClass::config, "check-failed", said.empty() ? "postfix check " + ended_with(failed) : "",
                "postfix -c " + instance.config_directory + " check"};
    fault = explained_by(instance, std::move(fault), said);
    fault.log = last_lines_of(failed.output);
    return fault;
  };
  Fault fault = co_await host::offload(tools.pool(), std::move(understand));
  co_return std::unexpected(std::move(fault));
}

asio::awaitable<Done> look_around(Tools& tools, Instance instance) {
  auto look = [instance]() -> Done {
    auto lacking = lacks_address(instance);
    if (!lacking) return {};
    return std::unexpected(std::move(*lacking));
  };
  co_return co_await host::offload(tools.pool(), std::move(look));
}

asio::awaitable<Done> launch(Tools& tools, Instance instance, host::Settle settle) {
  // Until it has read main.cf, master logs under this name, as postfix(1) arranges it too.
  auto ended = co_await tools.run(words(instance.master_program(), "-c", instance.config_directory, "-w"),
                                  words("MAIL_LOGTAG=" + instance.syslog_name), std::move(settle));
  if (!ended) co_return std::unexpected(could_not(ended.error()));
  if (ended->ok()) co_return Done{};
  auto ask = [instance, done = std::move(*ended)] { return explain(instance, done); };
  Fault fault = co_await host::offload(tools.pool(), std::move(ask));
  co_return std::unexpected(std::move(fault));
}

}  // namespace postmultid::postfix
