// pmctl: the command line.
#include <fmt/format.h>
#include <algorithm>
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
using std::chrono::milliseconds;

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

/// What the verbs' command lines may have beside the common options.
enum class Takes {
  nothing,
  selection,
  list,
  action,
  start,
  restart,
  drain,
  question,
  wait,
  logs,
  events,
  operation,
  operation_wait,
  level,
  plan,
  version,
  file,
  handover,
  words,
  command,
  created,
  imported,
  assigned,
  instance
};

struct Verb {
  const char* name;  // "op list": a verb below a verb
  const char* help;
  Takes takes;
  std::function<Exit(const Options&)> run;
};

const std::vector<Verb>& verbs() {
  namespace ctl = postmultid::ctl;
  auto act = [](Action action) { return [action](const Options& options) { return ctl::operate(options, action); }; };
  static const std::vector<Verb> all{
      {"status", "Show how members are; one by name in full", Takes::selection, ctl::status},
      {"list", "List the members in start order", Takes::list, ctl::list},
      {"start", "Start members in order, each ready before the next", Takes::start, act(Action::start)},
      {"stop", "Stop members in reverse order", Takes::action, act(Action::stop)},
      {"restart", "Check, then stop and start; a bad configuration is refused", Takes::restart, act(Action::restart)},
      {"reload", "Check, then let them read their files again; a bad configuration is refused", Takes::action,
       act(Action::reload)},
      {"flush", "Try all queued mail now", Takes::action, act(Action::flush)},
      {"drain", "Stop in reverse order, each when what it has under way is done", Takes::drain, act(Action::drain)},
      {"abort", "Stop at once, in no order, cutting what is under way", Takes::action, act(Action::abort)},
      {"check", "Run postfix check", Takes::action, act(Action::check)},
      {"enable", "Set multi_instance_enable = yes; starts nothing", Takes::action, act(Action::enable)},
      {"disable", "Set multi_instance_enable = no; stops nothing", Takes::action, act(Action::disable)},
      {"create", "Make an instance: disabled, and without a network port", Takes::created, ctl::create},
      {"import", "Take an instance whose files are there into the list", Takes::imported, ctl::import},
      {"assign", "Give an instance another name or group", Takes::assigned, ctl::assign},
      {"deport", "Take an instance off the list; its files stay", Takes::instance, ctl::deport},
      {"destroy", "Take an instance off the list and its directories away; refused while it has mail", Takes::instance,
       ctl::destroy},
      {"init", "Prepare the primary for having others beside it", Takes::nothing, ctl::init},
      {"exec", "Run a command for instances, as postmulti -x does, without the daemon", Takes::command, ctl::exec},
      {"reset-failed", "Forget past failures", Takes::action, act(Action::reset_failed)},
      {"is-active", "Say whether members run: exit 0, or 3", Takes::question, ctl::is_active},
      {"is-failed", "Say whether members have failed: exit 0, or 1", Takes::question, ctl::is_failed},
      {"is-enabled", "Say whether members are enabled: exit 0, or 1", Takes::question, ctl::is_enabled},
      {"wait", "Wait until members run, or are in another state", Takes::wait, ctl::wait_for},
      {"events", "Show what happened", Takes::events, ctl::events},
      {"metrics", "Print the numbers of this host as Prometheus reads them", Takes::nothing, ctl::metrics},
      {"logs", "Show the last lines of a member's log", Takes::logs, ctl::logs},
      {"validate", "Check definition files, without a daemon", Takes::file, ctl::validate},
      {"apply", "Make Postfix's files follow the definition", Takes::plan, ctl::apply},
      {"export", "Print a definition of this host: pmctl export > /etc/postmultid/postmultid.yaml", Takes::nothing,
       ctl::export_definition},
      {"rollback", "Put back the files that an instance last ran well with, or had before", Takes::version,
       ctl::roll_back},
      {"op list", "List the last operations", Takes::nothing, ctl::list_operations},
      {"op show", "Show one with its steps", Takes::operation, ctl::show_operation},
      {"op wait", "Wait for its end", Takes::operation_wait, ctl::wait_for_operation},
      {"op cancel", "Give up what it has not begun with", Takes::operation, ctl::cancel_operation},
      {"takeover", "Make postmultid the manager of this host; masters run on", Takes::handover, ctl::take_over},
      {"handback", "Give the host back to the packages' own units; masters run on", Takes::handover, ctl::hand_back},
      {"wrapper install", "Let postfix(1) reach postmultid", Takes::nothing, ctl::install_wrapper},
      {"wrapper remove", "Put back what multi_instance_wrapper was", Takes::nothing, ctl::remove_wrapper},
      {"wrapper status", "Show multi_instance_wrapper; exit 1 if it is not postmultid's", Takes::nothing,
       ctl::show_wrapper},
      {"postfix", "Do what postfix(1) is asked, for all instances: the multi_instance_wrapper", Takes::words,
       ctl::postfix},
      {"daemon reread", "Read the definition and Postfix's own list again", Takes::nothing, ctl::reread},
      {"daemon log-level", "Log more, or less, until the definition is read again", Takes::level,
       ctl::change_log_level},
      {"version", "Show versions", Takes::nothing, ctl::version},
  };
  return all;
}

void add_selection(CLI::App& verb, Options& options) {
  auto* names =
      verb.add_option("ID", options.selection.names,
                      "postfix-out, or short: out; a configuration directory; - for the primary; 'postfix-*'");
  auto* group = verb.add_option("-g,--group", options.selection.group, "All members of a group")->excludes(names);
  verb.add_flag("-a,--all", options.selection.all, "All members")->excludes(names)->excludes(group);
}

void add_duration(CLI::App& verb, const char* option, const char* help, std::function<void(milliseconds)> set) {
  static const std::map<std::string, std::int64_t> units{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  verb.add_option_function<std::int64_t>(
          option, [set](std::int64_t ms) { set(milliseconds(ms)); }, help)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                                                              CLI::AsNumberWithUnit::UNIT_REQUIRED)));
}

void add_timeout(CLI::App& verb, Options& options) {
  add_duration(verb, "--timeout", "How long to wait: 500ms, 30s, 5m (10m)",
               [&options](milliseconds limit) { options.timeout = limit; });
}

void add_waiting(CLI::App& verb, Options& options) {
  verb.add_flag("--dry-run", options.dry_run, "Only show what would be done, and in which order");
  verb.add_flag("!--no-wait", options.wait, "Print the operation's id and return");
  add_timeout(verb, options);
}

void add_reverse(CLI::App& verb, Options& options) {
  verb.add_flag("-R,--reverse", options.reverse, "The last one first");
}

void add_position(CLI::App& verb, postmultid::model::InstanceChange& change) {
  auto* before = verb.add_option("--before", change.before, "To stand before this one in the list");
  auto* after = verb.add_option("--after", change.after, "To stand behind this one")->excludes(before);
  verb.add_flag("--first", change.first, "To stand before all others but the primary; else it is the last")
      ->excludes(before)
      ->excludes(after);
}

void add_name_and_group(CLI::App& verb, postmultid::model::InstanceChange& change, bool with_name, const char* more) {
  if (with_name) verb.add_option("-I,--name", change.name, std::string("multi_instance_name") + more);
  verb.add_option("-G,--to-group", change.group, std::string("multi_instance_group") + more);
}

void add_options(CLI::App& verb, Takes takes, Options& options) {
  switch (takes) {
    case Takes::nothing: break;
    case Takes::selection: add_selection(verb, options); break;
    case Takes::list:
      add_selection(verb, options);
      add_reverse(verb, options);
      verb.add_flag("-l", options.as_postmulti, "As postmulti -l: Postfix's own list, without the daemon");
      break;
    case Takes::command:
      add_selection(verb, options);
      add_reverse(verb, options);
      verb.add_option("-P,--parallel", options.parallel, "So many at a time; each line says whose it is")
          ->check(CLI::Range(1, 1000));
      verb.add_flag("--prefix", options.prefix, "Each line says whose it is");
      verb.footer("The command and its arguments are behind --: pmctl exec -g mta -- postqueue -p");
      break;
    case Takes::created:
      verb.add_option("NAME", options.words,
                      "postfix-NAME, and where postmulti would not put it config_directory=, queue_directory=, "
                      "data_directory=")
          ->required();
      add_name_and_group(verb, options.change, false, "");
      add_position(verb, options.change);
      break;
    case Takes::imported:
      verb.add_option("DIRECTORY", options.change.config_directory, "With main.cf and master.cf")->required();
      add_name_and_group(verb, options.change, true, ", if its main.cf is to say another");
      add_position(verb, options.change);
      break;
    case Takes::assigned:
      verb.add_option("ID", options.change.instance, "Whose")->required();
      add_name_and_group(verb, options.change, true, "; - for none");
      break;
    case Takes::instance: verb.add_option("ID", options.change.instance, "Which")->required(); break;
    case Takes::restart:
      verb.add_flag("--rolling", options.how.rolling, "One member at a time, each ready again before the next");
      [[fallthrough]];
    case Takes::start:
      verb.add_flag("--accept-new-queue", options.how.accept_new_queue,
                    "Also where the queue is on another file system than last time");
      verb.add_flag("!--no-hold", options.how.hold, "Not to wait for members that have failed");
      [[fallthrough]];
    case Takes::action:
      if (verb.get_name() == "start" || verb.get_name() == "stop" || verb.get_name() == "reload")
        verb.add_flag("--keep-desired", options.how.keep_desired,
                      "As a unit means it: who is wanted up stays so, and nobody else is touched");
      add_selection(verb, options);
      add_waiting(verb, options);
      break;
    case Takes::drain:
      add_selection(verb, options);
      add_duration(verb, "--deadline", "What is not done by then is ended (10m)", [&options](milliseconds limit) {
        options.how.deadline = std::chrono::ceil<std::chrono::seconds>(limit);
      });
      add_waiting(verb, options);
      break;
    case Takes::question:
      add_selection(verb, options);
      verb.add_flag("-q,--quiet", options.quiet, "Only the exit status");
      break;
    case Takes::wait:
      add_selection(verb, options);
      verb.add_option("--for", options.state, "running, stopped, failed, …")
          ->capture_default_str()
          ->check(CLI::IsMember(
              {"running", "stopped", "waiting", "starting", "reloading", "stopping", "backoff", "failed"}));
      add_timeout(verb, options);
      break;
    case Takes::logs:
      verb.add_option("ID", options.selection.names, "Whose");
      verb.add_option("-n,--lines", options.lines, "How many")->capture_default_str();
      break;
    case Takes::events:
      verb.add_option("ID", options.selection.names, "Whose; everybody's without");
      verb.add_option("-n,--lines", options.lines, "How many of the last")->capture_default_str();
      verb.add_flag("-f,--follow", options.follow, "Go on with those to come");
      break;
    case Takes::operation_wait: add_timeout(verb, options); [[fallthrough]];
    case Takes::operation: verb.add_option("OPERATION", options.operation, "op-7")->required(); break;
    case Takes::handover:
      verb.add_flag("--yes", options.yes, "Do not ask");
      verb.add_flag("--dry-run", options.dry_run, "Only show what would be done");
      break;
    case Takes::words:
      verb.add_option("COMMAND", options.words, "After --: start, stop, reload, status, …")->required();
      break;
    case Takes::level:
      verb.add_option("LEVEL", options.log_level, "error, warning, notice, info or debug")
          ->required()
          ->check(CLI::IsMember({"error", "warning", "notice", "info", "debug"}));
      break;
    case Takes::version:
      verb.add_option("ID", options.selection.names, "Whose");
      verb.add_option("--to", options.version, "One of the versions that are kept: 20261127T101500.123");
      [[fallthrough]];
    case Takes::plan:
      if (takes == Takes::plan) verb.add_option("--plan", options.plan, "Only if it is still this one: 7f3a51c0");
      verb.add_flag("--dry-run", options.dry_run, "Only show what would be done: exit 0 nothing, 1 changes");
      verb.add_flag("--allow-restart", options.allow_restart, "Also what a reload ignores: who needs it is restarted");
      break;
    case Takes::file:
      verb.add_option("FILE", options.file, "The main file; conf.d/*.yaml beside it belongs to it")
          ->capture_default_str();
      break;
  }
}

/// The command for "status", or for "list" below "op".
CLI::App& command_for(CLI::App& app, const Verb& verb) {
  std::istringstream words(verb.name);
  std::string first, second;
  words >> first >> second;
  if (second.empty()) return *app.add_subcommand(first, verb.help);
  auto above = app.get_subcommands([&](const CLI::App* each) { return each->get_name() == first; });
  CLI::App* parent = above.empty() ? nullptr : above.front();
  if (!parent) {
    static const std::map<std::string, const char*> helps{
        {"op", "Operations: list, show, wait, cancel"},
        {"wrapper", "multi_instance_wrapper: install, remove, status"},
        {"daemon", "The daemon itself: reread, log-level"}};
    parent = app.add_subcommand(first, helps.at(first));
    parent->require_subcommand(1);
    parent->fallthrough();
  }
  return *parent->add_subcommand(second, verb.help);
}

/// What is behind the first "--" of `exec`: a command with options of its own, which are none of ours.
std::vector<std::string> take_command(int& argc, char** argv) {
  char** end = argv + argc;
  auto is = [](const char* word) { return [word](const char* each) { return std::string_view(each) == word; }; };
  char** dashes = std::find_if(argv, end, is("--"));
  if (dashes == end || std::none_of(argv, dashes, is("exec"))) return {};
  argc = static_cast<int>(dashes - argv);
  return {dashes + 1, end};
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
  std::vector<std::string> command = take_command(argc, argv);
  const Verb* chosen = nullptr;
  for (const Verb& verb : verbs()) {
    CLI::App& below = command_for(app, verb);
    add_options(below, verb.takes, options);
    below.callback([&chosen, &verb] { chosen = &verb; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (!chosen) return static_cast<int>(postmultid::ctl::complain({Exit::usage, "what to do? See pmctl --help"}));
  if (chosen->takes == Takes::command)
    options.words = std::move(command);
  else if (!command.empty())
    return static_cast<int>(postmultid::ctl::complain({Exit::usage, "only exec takes a command behind --"}));
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
