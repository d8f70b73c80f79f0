// status, list, version: what is.
#include <fmt/format.h>

#include <algorithm>

#include "commands/commands.hpp"
#include "model/names.hpp"
#include "model/selection.hpp"
#include "output/member.hpp"
#include "output/terminal.hpp"
#include "output/text.hpp"

namespace postmultid::ctl {

using model::Member;
using model::State;
using nlohmann::json;

namespace {

Exit exit_of(const model::Problem& problem) { return problem.status == 404 ? Exit::no_such_instance : Exit::failed; }

std::string cell(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const json& each : value) text += (text.empty() ? "" : ",") + cell(each);
  return text;
}

/// -o columns=a,b: the plain values, one member a line, tabs between them: for scripts.
Exit print_columns(const Known& known, const std::vector<std::string>& columns) {
  std::vector<std::string> fields;
  json any = Member{};
  for (const auto& [key, value] : any.items()) fields.push_back(key);
  for (const std::string& column : columns)
    if (!any.contains(column)) {
      auto near = model::nearest(fields, column);
      return complain({Exit::usage, "no column \"" + column + "\"" + (near ? "; did you mean \"" + *near + "\"?" : "") +
                                        "\nThe columns are the fields of a member in -o json."});
    }
  for (const json& member : known.document["members"]) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) line += (i ? "\t" : "") + cell(member.at(columns[i]));
    fmt::print("{}\n", line);
  }
  return Exit::ok;
}

std::string verdict(const model::Status& status) {
  std::size_t wanted = 0, up = 0, sick = 0;
  for (const Member& member : status.members) {
    wanted += member.desired == model::Desired::up ? 1 : 0;
    up += member.desired == model::Desired::up && is_up(member.state) ? 1 : 0;
    sick += member.health == model::Health::degraded ? 1 : 0;
  }
  std::size_t failed = static_cast<std::size_t>(std::count_if(
      status.members.begin(), status.members.end(), [](const Member& m) { return m.state == State::failed; }));
  std::size_t outside =
      static_cast<std::size_t>(std::count_if(status.members.begin(), status.members.end(), [](const Member& m) {
        return m.reason && m.reason->code == "stopped-outside";
      }));
  std::string text = fmt::format("{} of {} up", up, wanted);
  if (outside) text += fmt::format(", {} stopped outside postmultid", outside);
  if (failed) return text + fmt::format(", {} FAILED", failed);
  if (sick) return text + fmt::format(", {} degraded", sick);
  return text + (up == wanted && up && !outside ? ", all healthy" : "");
}

void print_header(const model::Status& status) {
  const model::Daemon& daemon = status.daemon;
  fmt::print("{}   {}        Postfix {}, postmultid {} up {}{}\n", daemon.hostname, verdict(status),
             daemon.mail_version, daemon.version, since(daemon.started_at),
             daemon.state == "stopping" ? ", STOPPING" : "");
  for (const std::string& problem : daemon.definition_problems) fmt::print("! {}\n", problem);
  for (const std::string& problem : daemon.problems) fmt::print("! {}\n", problem);
  if (daemon.mode == model::Mode::observe)
    fmt::print("observing: nothing is started, stopped or changed; pmctl takeover makes postmultid the manager\n");
}

}  // namespace

Result<Known> fetch(const Options& options) {
  Client client(options.socket);
  return fetch(options, client);
}

Result<Known> fetch(const Options& options, Client& client) {
  auto document = client.get("/v1/status");
  if (!document) return std::unexpected(document.error());
  Known known{*document, document->get<model::Status>(), {}};
  model::Selection selection = options.selection;
  if (!options.selects()) selection.all = true;
  auto ids = model::select(known.status, selection);
  if (!ids) return std::unexpected(Trouble{exit_of(ids.error()), ids.error().detail});
  auto wanted = [&](const auto& id) { return std::find(ids->begin(), ids->end(), id) != ids->end(); };
  json members = json::array();
  for (const json& member : known.document["members"])
    if (wanted(model::MemberId{member.at("id")})) members.push_back(member);
  known.document["members"] = std::move(members);
  for (const Member& member : known.status.members)
    if (wanted(member.id)) known.chosen.push_back(member);
  return known;
}

Exit complain(const Trouble& trouble) {
  fmt::print(stderr, "pmctl: {}\n", trouble.message);
  return trouble.exit;
}

Exit status(const Options& options) {
  auto known = fetch(options);
  if (!known) return complain(known.error());
  Terminal terminal = Terminal::of_standard_output();
  switch (options.format) {
    case Format::json: fmt::print("{}\n", known->document.dump(2)); break;
    case Format::columns:
      if (Exit exit = print_columns(*known, options.columns); exit != Exit::ok) return exit;
      break;
    case Format::table:
    case Format::wide:
      if (options.selection.names.size() == 1 && known->chosen.size() == 1) {
        print_member(terminal, known->status, known->chosen.front());
      } else {
        print_header(known->status);
        print_members(terminal, known->chosen, options.format == Format::wide);
      }
  }
  // Asked about somebody by name, the exit status is an answer too; a look at everything is not a question.
  bool all_running =
      std::all_of(known->chosen.begin(), known->chosen.end(), [](const Member& member) { return is_up(member.state); });
  return options.selection.names.empty() || all_running ? Exit::ok : Exit::not_running;
}

Exit list(const Options& options) {
  if (options.as_postmulti) return list_as_postmulti(options);
  auto known = fetch(options);
  if (!known) return complain(known.error());
  if (options.reverse) {
    std::ranges::reverse(known->chosen);
    std::ranges::reverse(known->document["members"]);
  }
  if (options.format == Format::json) {
    fmt::print("{}\n", known->document["members"].dump(2));
    return Exit::ok;
  }
  if (options.format == Format::columns) return print_columns(*known, options.columns);
  std::vector<std::vector<std::string>> rows;
  for (const Member& member : known->chosen)
    rows.push_back({member.id.text, member.group.empty() ? "-" : member.group,
                    !member.enabled   ? "?"
                    : *member.enabled ? "yes"
                                      : "no",
                    model::to_word(member.state), member.config_directory});
  for (const std::string& line : lay_out({{"MEMBER"}, {"GROUP"}, {"ENABLED"}, {"STATE"}, {"CONFIG DIRECTORY"}}, rows))
    fmt::print("{}\n", line);
  return Exit::ok;
}

Exit version(const Options& options) {
  fmt::print("pmctl {}\n", POSTMULTID_VERSION);
  auto document = Client(options.socket).get("/v1/status");
  if (!document) return complain(document.error());
  auto status = document->get<model::Status>();
  fmt::print("postmultid {}\nPostfix {}\n", status.daemon.version, status.daemon.mail_version);
  return Exit::ok;
}

}  // namespace postmultid::ctl
