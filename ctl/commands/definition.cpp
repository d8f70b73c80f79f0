// validate, daemon reread, daemon log-level: the definition file, and what is in force instead of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commands/commands.hpp"
#include "definitions/lint.hpp"
#include "definitions/load.hpp"
#include "postfix/review.hpp"
#include "postfix_tools.hpp"

namespace postmultid::ctl {

using nlohmann::json;

namespace {

// It runs postconf some times for each instance.
constexpr std::chrono::seconds kExportLimit{120};

std::string order_of(const definitions::Definition& definition) {
  std::string order = "-";
  for (const definitions::Group& group : definition.groups)
    for (const definitions::Name& member : group.members) order += " > " + member.text;
  return order;
}

}  // namespace

Exit validate(const Options& options) {
  auto definition = definitions::load(options.file);
  if (!definition) {
    fmt::print(stderr, "{}\n", definitions::describe(definition.error()));
    return Exit::refused;
  }
  if (definition->files.empty())
    return complain({Exit::failed, "there is no " + options.file + ", and no conf.d beside it"});
  auto review = with_postfix([&](postfix::Tools& tools) { return postfix::review(tools, *definition); });
  if (review && !review->mistakes.empty()) {
    fmt::print(stderr, "{}\n", fmt::join(review->mistakes, "\n"));
    return Exit::refused;
  }
  for (const definitions::Complaint& warning : definitions::lint(*definition))
    fmt::print("warning  {}: {}\n", warning.place.text(), warning.message);
  if (review)
    for (const std::string& warning : review->warnings) fmt::print("warning  {}\n", warning);
  else
    fmt::print("warning  Postfix has not looked at it: {}\n", review.error().message);
  std::string files;
  for (const std::string& file : definition->files) files += (files.empty() ? "" : ", ") + file;
  fmt::print("ok  {}\n    start order  {}\n", files, order_of(*definition));
  return Exit::ok;
}

Exit export_definition(const Options& options) {
  auto text = Client(options.socket, kExportLimit).get("/v1/definitions/export");
  if (!text) return complain(text.error());
  fmt::print("{}", text->get<std::string>());
  return Exit::ok;
}

Exit reread(const Options& options) {
  auto answer = Client(options.socket).post("/v1/daemon/reread", json::object());
  if (!answer) return complain(answer.error());
  if (options.format == Format::json) {
    fmt::print("{}\n", answer->dump(2));
    return Exit::ok;
  }
  for (const json& problem : answer->at("problems")) fmt::print("warning  {}\n", problem.get<std::string>());
  std::string files;
  for (const json& file : answer->at("files")) files += (files.empty() ? "" : ", ") + file.get<std::string>();
  fmt::print("reread   {}\n", files.empty() ? "no definition file; Postfix's own list counts" : files);
  return Exit::ok;
}

Exit change_log_level(const Options& options) {
  auto answer = Client(options.socket).post("/v1/daemon/log-level", json{{"level", options.log_level}});
  if (!answer) return complain(answer.error());
  if (options.format == Format::json)
    fmt::print("{}\n", answer->dump(2));
  else
    fmt::print("log level  {}, until the definition is read again\n", answer->at("level").get<std::string>());
  return Exit::ok;
}

}  // namespace postmultid::ctl
