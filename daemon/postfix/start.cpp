#include "postfix/start.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/sockets.hpp"
#include "postfix/endpoints.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;

namespace {

constexpr std::size_t kLogTail = 65536;

std::string ended_with(const host::Ended& ended) {
  if (WIFEXITED(ended.wait_status)) return "exited with status " + std::to_string(WEXITSTATUS(ended.wait_status));
  return "was killed by signal " + std::to_string(WTERMSIG(ended.wait_status));
}

std::string log_command(const Instance& instance) {
  if (!instance.maillog_file.empty()) return "tail " + instance.maillog_file;
  return "journalctl -t " + (instance.name.empty() ? "postfix" : instance.name) + "/master -n 20";
}

/// Debian's packages before 3.9.1-7 copy what chrooted services need (resolv.conf, services, CA certificates) only
/// in their own unit, by this script; later ones do it in every check. By name it fails when a sibling's
/// configuration is broken; with "-" and MAIL_CONFIG it looks at this instance alone (docs/postfix-facts.md,
/// "Debian").
std::string chroot_script(const Instance& instance) {
  int major = 0, minor = 0;
  bool old = std::sscanf(instance.mail_version.c_str(), "%d.%d", &major, &minor) == 2 && (major < 3 || (major == 3 && minor < 9));
  bool chrooted = std::any_of(instance.services.begin(), instance.services.end(),
                              [](const Service& service) { return service.chroot; });
  std::string script = std::filesystem::path(instance.daemon_directory).parent_path() / "configure-instance.sh";
  return old && chrooted && ::access(script.c_str(), X_OK) == 0 ? script : "";
}

std::uintmax_t size_of(const std::string& path) {
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

/// What the instance has written to its own maillog_file since `offset`.
std::string log_since(const std::string& path, std::uintmax_t offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string text(kLogTail, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// An endpoint of this instance that somebody else listens on already.
std::string taken_endpoint(const Instance& instance) {
  auto sockets = host::listening_sockets();
  if (!sockets) return "";
  for (const Endpoint& wanted : endpoints(instance))
    for (const host::ListeningSocket& socket : *sockets) {
      if (!wanted.served_by(socket)) continue;
      for (pid_t pid : host::all_processes())
        if (!host::held_by(pid, {socket}).empty())
          return socket.endpoint() + " is in use by process " + std::to_string(pid) + " (" + host::executable(pid) + ")";
      return socket.endpoint() + " is in use";
    }
  return "";
}

/// Why `master -w` failed. It tells its reason only to the log (docs/postfix-facts.md, "Logging").
Fault explain(const Instance& instance, const host::Ended& ended, std::uintmax_t log_offset) {
  if (std::string taken = taken_endpoint(instance); !taken.empty())
    return {FailureClass::environment, "port-in-use", taken, "ss -lntp"};
  std::string words = reason_in(ended.output);
  if (!instance.maillog_file.empty()) {
    std::string logged = reason_in(log_since(instance.maillog_file, log_offset));
    if (!logged.empty()) words = logged;
  }
  return {FailureClass::crash, "start-failed",
          "master -w " + ended_with(ended) + (words.empty() ? "; its reason is in the mail log" : ": " + words),
          log_command(instance)};
}

Fault could_not(const model::Error& error) {
  return {FailureClass::environment, "not-executed", error.message, ""};
}

}  // namespace

asio::awaitable<Done> check(Tools& tools, Instance instance) {
  auto look = [instance] { return chroot_script(instance); };
  std::string script = co_await host::offload(tools.pool(), std::move(look));
  if (!script.empty()) {
    auto copied = co_await tools.run(words(script, "-"), words("MAIL_CONFIG=" + instance.config_directory));
    if (!copied) co_return std::unexpected(could_not(copied.error()));
    if (!copied->ok())
      co_return std::unexpected(Fault{FailureClass::config, "chroot-failed",
                                      script + " " + ended_with(*copied) + ": " + reason_in(copied->output),
                                      "MAIL_CONFIG=" + instance.config_directory + " " + script + " -"});
  }
  auto argv = words(instance.command_directory + "/postfix", "-c", instance.config_directory, "check");
  auto ended = co_await tools.run(argv);
  // With maillog_file set, a first check that has something to log can fail where the second succeeds
  // (docs/postfix-facts.md, "postfix check").
  if (ended && !ended->ok()) ended = co_await tools.run(argv);
  if (!ended) co_return std::unexpected(could_not(ended.error()));
  if (ended->ok()) co_return Done{};
  std::string said = reason_in(ended->output);
  co_return std::unexpected(Fault{FailureClass::config, "check-failed",
                                  said.empty() ? "postfix check " + ended_with(*ended) : said,
                                  "postfix -c " + instance.config_directory + " check"});
}

asio::awaitable<Done> launch(Tools& tools, Instance instance) {
  auto measure = [path = instance.maillog_file] { return path.empty() ? 0 : size_of(path); };
  std::uintmax_t log_offset = co_await host::offload(tools.pool(), std::move(measure));
  auto ended = co_await tools.run(words(instance.master_program(), "-c", instance.config_directory, "-w"));
  if (!ended) co_return std::unexpected(could_not(ended.error()));
  if (ended->ok()) co_return Done{};
  auto ask = [instance, done = std::move(*ended), log_offset] { return explain(instance, done, log_offset); };
  Fault fault = co_await host::offload(tools.pool(), std::move(ask));
  co_return std::unexpected(std::move(fault));
}

}  // namespace postmultid::postfix
