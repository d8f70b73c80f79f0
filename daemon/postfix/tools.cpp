#include "postfix/tools.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "host/deadline.hpp"
#include "host/offload.hpp"

namespace postmultid::postfix {

using model::Error;
using model::Result;

namespace {

constexpr std::chrono::seconds kPostconfLimit{10};
constexpr char kPath[] = "/usr/sbin:/usr/bin:/sbin:/bin";

// A message longer than this is no message; std::regex needs stack for every character.
constexpr std::size_t kLongestMessage = 1024;
constexpr std::size_t kLongestQuote = 200;

/// Line `number` of a master.cf, for the reader of a message about it; of no other file, and nothing that may block.
std::string line_of(const std::string& path, int number) {
  std::error_code error;
  if (!path.ends_with("/master.cf") || !std::filesystem::is_regular_file(path, error)) return "";
  std::ifstream file(path);
  std::string line;
  while (number-- > 0)
    if (!std::getline(file, line)) return "";
  return line.substr(0, kLongestQuote);
}

/// "file /etc/postfix/master.cf: line 38: bad field count", or "/etc/postfix/main.cf, line 3: …", as `/etc/postfix/master.cf:38: bad field count: "…"`
std::string with_place(const std::string& message) {
  static const std::regex place("(?:file )?(/[^\\s:,]+)[:,] line ([0-9]{1,7}): (.*)");
  std::smatch match;
  if (!std::regex_search(message, match, place)) return message;
  std::string text = line_of(match[1], std::stoi(match[2]));
  return match[1].str() + ":" + match[2].str() + ": " + match[3].str() + (text.empty() ? "" : ": \"" + text + "\"");
}

}  // namespace

std::vector<std::string> environment() {
  std::vector<std::string> list{std::string("PATH=") + kPath, "LANG=C"};
  // INVOCATION_ID: Debian 13's `postfix start` asks systemd instead where it is not set.
  for (const char* name : {"TZ", "INVOCATION_ID"})
    if (const char* value = std::getenv(name)) list.push_back(std::string(name) + "=" + value);
  return list;
}

std::string last_line(const std::string& output) {
  std::istringstream lines(output);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last.substr(0, kLongestMessage);
}

std::string reason_in(const std::string& output) {
  static const std::regex severity("(^|: )(fatal|panic|error): (.*)");
  std::istringstream lines(output);
  std::string best, last;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (line.size() > kLongestMessage) line.resize(kLongestMessage);
    last = line;
    std::smatch match;
    if (best.empty() && std::regex_search(line, match, severity)) best = match[3];
  }
  return with_place(best.empty() ? last : best);
}

Result<void> Tools::find_postconf(const std::string& given) {
  if (!given.empty() && ::access((given + "/postconf").c_str(), X_OK) != 0)
    return std::unexpected(model::system_error(given + "/postconf (postfix_commands in the definition)"));
  if (!given.empty()) {
    postconf_ = given + "/postconf";
    return {};
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories((path ? std::string(path) + ":" : "") + kPath);
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string candidate = directory + "/postconf";
    if (directory.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) {
      postconf_ = candidate;
      return {};
    }
  }
  return model::failure("no postconf on PATH or in /usr/sbin: is Postfix installed? (apt-get install postfix)");
}

asio::awaitable<Result<host::Ended>> Tools::run(std::vector<std::string> argv, std::vector<std::string> more,
                                                host::Settle settle) {
  host::Command command{std::move(argv), environment(), true, "/", std::move(settle)};
  command.environment.insert(command.environment.end(), more.begin(), more.end());
  co_return co_await children_.run(std::move(command));
}

asio::awaitable<Result<host::Ended>> Tools::run_aside(std::vector<std::string> argv) {
  host::Command command{std::move(argv), environment(), false, "/", {}};
  co_return co_await children_.run(std::move(command));
}

std::string Tools::program(const std::string& name) const {
  return std::filesystem::path(postconf_).parent_path() / name;
}

asio::awaitable<Result<host::Ended>> Tools::run_postconf(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), postconf_);
  // Not on a terminal: postconf writes its warnings to standard error, and they must not be taken for values.
  host::Command command{std::move(arguments), environment(), false, "/", {}};
  auto ended = co_await host::within(kPostconfLimit, children_.run(std::move(command)));
  if (!ended) co_return model::failure("postconf did not end within 10 s");
  co_return std::move(*ended);
}

asio::awaitable<Result<std::string>> Tools::postconf(std::vector<std::string> arguments) {
  auto ended = co_await run_postconf(std::move(arguments));
  if (!ended) co_return std::unexpected(ended.error());
  if (ended->ok()) co_return std::move(ended->output);
  auto understand = [errors = ended->errors] { return reason_in(errors); };
  std::string reason = co_await host::offload(pool_, std::move(understand));
  co_return std::unexpected(Error{std::move(reason), 0});
}

}  // namespace postmultid::postfix
