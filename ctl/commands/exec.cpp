// exec: a command for each instance, with the caller's own rights and the environment that postmulti -x gives it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "commands/commands.hpp"
#include "model/selection.hpp"

namespace postmultid::ctl {

namespace {

constexpr std::size_t kPiece = 65536, kLongestLine = 65536;

/// Ends the child where it cannot become the command.
[[noreturn]] void become(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  fmt::print(stderr, "pmctl: {}: {}\n", words[0], std::strerror(errno));
  ::_exit(127);
}

int wait_status(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

/// The value of each of these parameters of an instance, as its postconf says; nothing: that failed, and has said why.
std::optional<std::vector<std::string>> values_of(const std::string& directory, const std::vector<std::string>& names) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return std::nullopt;
  std::vector<std::string> words{"postconf", "-c", directory, "-xh"};
  words.insert(words.end(), names.begin(), names.end());
  pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    become(words);
  }
  ::close(ends[1]);
  std::string output;
  char piece[4096];
  for (ssize_t size; (size = ::read(ends[0], piece, sizeof piece)) > 0;)
    output.append(piece, static_cast<std::size_t>(size));
  ::close(ends[0]);
  if (pid < 0 || wait_status(pid) != 0) return std::nullopt;
  std::vector<std::string> values;
  for (std::size_t at = 0, end; (end = output.find('\n', at)) != std::string::npos; at = end + 1)
    values.push_back(output.substr(at, end - at));
  return values.size() == names.size() ? std::optional(values) : std::nullopt;
}

/// As postmulti(1), "-x", says. False: its parameters cannot be read.
bool set_environment(const model::Member& member) {
  std::vector<std::string> names{"command_directory",    "daemon_directory",     "config_directory",
                                 "queue_directory",      "data_directory",       "multi_instance_name",
                                 "multi_instance_group", "multi_instance_enable"};
  auto values = values_of(member.config_directory, names);
  if (!values) return false;
  ::setenv("MAIL_CONFIG", member.config_directory.c_str(), 1);
  for (std::size_t i = 0; i < names.size(); ++i) ::setenv(names[i].c_str(), (*values)[i].c_str(), 1);
  const char* path = std::getenv("PATH");
  ::setenv("PATH", ((*values)[0] + (path ? ":" + std::string(path) : "")).c_str(), 1);
  return true;
}

struct Running {
  pid_t pid;
  int output;  // -1: the caller's own
  std::string id, piece;
};

/// `apart`: its output comes to us.
std::optional<Running> begin(const model::Member& member, const std::vector<std::string>& words, bool apart) {
  int ends[2] = {-1, -1};
  if (apart && ::pipe2(ends, O_CLOEXEC) < 0) return std::nullopt;
  std::fflush(stdout);
  pid_t pid = ::fork();
  if (pid == 0) {
    if (!set_environment(member)) ::_exit(1);
    if (apart) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
    }
    become(words);
  }
  if (apart) ::close(ends[1]);
  if (pid < 0) return std::nullopt;
  return Running{pid, ends[0], member.id.text, ""};
}

/// Whole lines, behind the name of their instance; at the end the rest as well.
void print(Running& running, bool all) {
  for (std::size_t end; (end = running.piece.find('\n')) != std::string::npos || running.piece.size() > kLongestLine;
       running.piece.erase(0, std::min(end, kLongestLine - 1) + 1))
    fmt::print("{}: {}\n", running.id, running.piece.substr(0, std::min(end, kLongestLine)));
  if (all && !running.piece.empty()) fmt::print("{}: {}\n", running.id, running.piece);
  std::fflush(stdout);
}

/// Reads what the running ones say until one of them has ended, and takes that out. Returns whether it was well.
bool await_one(std::deque<Running>& running) {
  for (;;) {
    std::vector<pollfd> polled;
    for (const Running& each : running) polled.push_back({each.output, POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return false;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (!(polled[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
      std::string piece(kPiece, '\0');
      ssize_t size = ::read(running[i].output, piece.data(), piece.size());
      if (size > 0) {
        running[i].piece.append(piece, 0, static_cast<std::size_t>(size));
        print(running[i], false);
        continue;
      }
      print(running[i], true);
      ::close(running[i].output);
      bool well = wait_status(running[i].pid) == 0;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      return well;
    }
  }
}

/// Those that are selected, all without a selection; companions have no configuration.
Result<std::vector<model::Member>> selected(const Options& options) {
  auto known = fetch(options);
  if (!known) return std::unexpected(known.error());
  model::Selection selection = options.selection;
  if (!options.selects()) selection.all = true;
  std::vector<model::Member> members;
  if (selection.all || !selection.group.empty()) {
    // postmulti -x heeds no multi_instance_enable.
    for (const model::Member& member : known->status.members)
      if (selection.all || member.group == selection.group) members.push_back(member);
  } else {
    auto ids = model::select(known->status, selection);
    if (!ids) return std::unexpected(Trouble{Exit::no_such_instance, ids.error().detail});
    for (const model::Member& member : known->status.members)
      if (std::ranges::find(*ids, member.id) != ids->end()) members.push_back(member);
  }
  std::erase_if(members, [](const model::Member& each) { return each.kind == model::Kind::companion; });
  if (members.empty()) return std::unexpected(Trouble{Exit::no_such_instance, "no instance is selected"});
  if (options.reverse) std::ranges::reverse(members);
  return members;
}

}  // namespace

Exit execute(const Options& options) {
  auto members = selected(options);
  if (!members) return complain(members.error());
  bool apart = options.parallel > 1 || options.prefix, well = true;
  std::deque<Running> running;
  for (const model::Member& member : *members) {
    if (running.size() >= options.parallel) well &= await_one(running);
    auto begun = begin(member, options.words, apart);
    if (!begun) return complain({Exit::failed, std::string("fork: ") + std::strerror(errno)});
    if (apart)
      running.push_back(std::move(*begun));
    else
      well &= wait_status(begun->pid) == 0;
  }
  while (!running.empty()) well &= await_one(running);
  return well ? Exit::ok : Exit::failed;
}

}  // namespace postmultid::ctl
