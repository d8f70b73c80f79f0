// postfix -- CMD…: what postfix(1) runs as its multi_instance_wrapper (docs/postfix-facts.md, "The wrapper"): for all
// instances, with Postfix's words, and whatever becomes of postmultid.
#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <sstream>

#include "commands/commands.hpp"
#include "model/management.hpp"

namespace postmultid::ctl {

using model::Action;
using model::Member;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kPatience{4};
constexpr char kRecord[] = "/var/lib/postmultid/management.json";

const std::map<std::string, Action> kActions{
    {"start", Action::start}, {"stop", Action::stop},   {"quick-stop", Action::stop}, {"abort", Action::abort},
    {"drain", Action::drain}, {"flush", Action::flush}, {"reload", Action::reload},   {"check", Action::check}};

std::string from_environment(const std::string& name, const char* otherwise) {
  const char* value = std::getenv(name.c_str());
  return value && *value ? value : otherwise;
}

/// $name, ${name} and $(name): postfix(1) has the parameters that a wrapper may need in our environment.
std::string expand(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      result += text[i];
      continue;
    }
    bool in_braces = i + 1 < text.size() && (text[i + 1] == '{' || text[i + 1] == '(');
    std::size_t begin = i + (in_braces ? 2 : 1), end = begin;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    result += from_environment(text.substr(begin, end - begin), "");
    i = in_braces ? end : end - 1;
  }
  return result;
}

/// What postfix(1) would have run without us: what our wrapper has replaced, else Postfix's own.
std::vector<std::string> manager() {
  std::vector<std::string> own{from_environment("command_directory", "/usr/sbin") + "/postmulti", "-p", "--"};
  std::FILE* file = std::fopen(kRecord, "re");
  if (!file) return own;
  json record = json::parse(file, nullptr, false);
  std::fclose(file);
  if (!record.is_object() || !record.contains("wrapper") || !record["wrapper"].is_object()) return own;
  json before = record["wrapper"].value("before", json());
  if (!before.is_string()) return own;
  std::string text = expand(before.get<std::string>());
  std::istringstream split(text);
  std::vector<std::string> words;
  for (std::string word; split >> word;) words.push_back(word);
  return words.empty() || model::wrapper_is_ours(text) ? own : words;
}

/// Becomes what Postfix would have run.
Exit leave_it_to_postfix(const std::vector<std::string>& command) {
  std::vector<std::string> words = manager();
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  ::execv(argv[0], argv.data());
  return complain({Exit::failed, words[0] + " cannot be run: " + std::generic_category().message(errno)});
}

/// As `postfix status` of one instance says it, for each that is enabled.
Exit tell_status(const std::vector<Member>& members) {
  bool all = true;
  for (const Member& member : members) {
    if (member.kind != model::Kind::postfix || member.enabled == false) continue;
    bool up = is_up(member.state);
    fmt::print("{}: the Postfix mail system is {}{}\n", member.id.text, up ? "running" : "not running",
               member.pid ? fmt::format(": PID: {}", *member.pid) : "");
    all &= up;
  }
  return all ? Exit::ok : Exit::failed;
}

}  // namespace

Exit postfix(const Options& options) {
  const auto& command = options.words;
  if (command.empty()) return complain({Exit::usage, "postfix -- needs a command of postfix(1)"});
  auto action = kActions.find(command[0]);
  bool asks = command[0] == "status";
  // What we have no word for (set-permissions, upgrade-configuration, tls, …) is about files, and Postfix's own affair.
  if ((action == kActions.end() && !asks) || command.size() > 1) return leave_it_to_postfix(command);

  // postfix(1) says on standard error what it does; who redirects it knows it so.
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  auto answer = Client(options.socket, kPatience).get("/v1/status");
  if (!answer && answer.error().exit == Exit::unreachable) {
    fmt::print(stderr, "pmctl: postmultid does not answer, so Postfix does it by itself: {}\n", command[0]);
    return leave_it_to_postfix(command);
  }
  if (!answer) return complain(answer.error());
  auto status = answer->get<model::Status>();
  if (status.daemon.mode == model::Mode::observe) return leave_it_to_postfix(command);
  if (asks) return tell_status(status.members);
  Options all = options;
  all.selection.all = true;
  return operate(all, action->second);
}

}  // namespace postmultid::ctl
