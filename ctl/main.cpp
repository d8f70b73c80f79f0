// pmctl: the command line.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <sstream>

#include "commands/commands.hpp"

namespace {

using postmultid::ctl::Exit;
using postmultid::ctl::Format;
using postmultid::ctl::Options;
using postmultid::model::Action;

/// "table", "wide", "json", "columns=pid,state"; empty if understood, else the complaint.
std::string set_format(Options& options, const std::string& word) {
  static const std::map<std::string, Format> formats{
      {"table", Format::table}, {"wide", Format::wide}, {"json", Format::json}};
  static constexpr std::string_view kColumns = "columns=";
  if (auto format = formats.find(word); format != formats.end()) {
    options.format = format->second;
    return "";
  }
  if (!word.starts_with(kColumns)) return word + " is not one of table, wide, json, columns=NAME,…";
  options.format = Format::columns;
  std::istringstream names(word.substr(kColumns.size()));
  for (std::string name; std::getline(names, name, ',');) options.columns.push_back(name);
  return options.columns.empty() ? "columns= needs at least one name" : "";
}

struct Verb {
  const char* name;
  const char* help;
  bool selects, acts;
  std::function<Exit(const Options&)> run;
};

const std::vector<Verb>& verbs() {
  namespace ctl = postmultid::ctl;
  auto act = [](Action action) { return [action](const Options& options) { return ctl::operate(options, action); }; };
  static const std::vector<Verb> all{
      {"status", "Show how members are; one by name in full", true, false, ctl::status},
      {"list", "List the members in start order", true, false, ctl::list},
      {"start", "Start members in order, each ready before the next", true, true, act(Action::start)},
      {"stop", "Stop members in reverse order", true, true, act(Action::stop)},
      {"restart", "Check, then stop and start; a bad configuration is refused", true, true, act(Action::restart)},
      {"reset-failed", "Forget past failures", true, true, act(Action::reset_failed)},
      {"version", "Show versions", false, false, ctl::version},
  };
  return all;
}

void add_selection(CLI::App& verb, Options& options) {
  auto* names = verb.add_option("ID", options.selection.names,
                                "postfix-out, or short: out; a configuration directory; - for the primary");
  auto* group = verb.add_option("-g,--group", options.selection.group, "All members of a group")->excludes(names);
  verb.add_flag("-a,--all", options.selection.all, "All members")->excludes(names)->excludes(group);
}

void add_waiting(CLI::App& verb, Options& options) {
  static const std::map<std::string, std::int64_t> units{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  verb.add_flag("!--no-wait", options.wait, "Print the operation's id and return");
  verb.add_option_function<std::int64_t>(
          "--timeout", [&options](std::int64_t ms) { options.timeout = std::chrono::milliseconds(ms); },
          "How long to wait: 500ms, 30s, 5m (10m); the operation goes on")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"pmctl controls postmultid, the supervisor of this host's Postfix instances.", "pmctl"};
  Options options;
  std::string format;
  app.add_option("-s,--socket", options.socket, "The daemon's control socket")->capture_default_str();
  app.add_option("-o,--output", format, "table, wide, json or columns=NAME,…");
  app.set_version_flag("--version", "pmctl " POSTMULTID_VERSION);
  app.require_subcommand(0, 1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 done, 1 failed, 2 usage, 3 not running, 4 no such instance, 69 postmultid does not answer,\n"
      "75 timed out, 77 not permitted, 78 refused because of a bad configuration.");
  const Verb* chosen = nullptr;
  for (const Verb& verb : verbs()) {
    CLI::App* command = app.add_subcommand(verb.name, verb.help);
    if (verb.selects) add_selection(*command, options);
    if (verb.acts) add_waiting(*command, options);
    command->callback([&chosen, &verb] { chosen = &verb; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (!chosen) return static_cast<int>(postmultid::ctl::complain({Exit::usage, "what to do? See pmctl --help"}));
  if (!format.empty())
    if (std::string wrong = set_format(options, format); !wrong.empty())
      return static_cast<int>(postmultid::ctl::complain({Exit::usage, "-o " + wrong}));
  try {
    Exit exit = chosen->run(options);
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
      return static_cast<int>(postmultid::ctl::complain({Exit::failed, "standard output cannot be written"}));
    return static_cast<int>(exit);
  } catch (const nlohmann::json::exception& e) {
    return static_cast<int>(
        postmultid::ctl::complain({Exit::failed, std::string("the daemon's answer is not understood: ") + e.what() +
                                                     "\nAre pmctl and postmultid of the same version?"}));
  }
}
