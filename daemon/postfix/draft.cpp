#include "postfix/draft.hpp"

#include <algorithm>
#include <map>
#include <regex>

#include "definitions/logical_lines.hpp"
#include "host/atomic_file.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/temporary_directory.hpp"
#include "postfix/instance.hpp"
#include "postfix/secrets.hpp"

namespace postmultid::postfix {

using definitions::logical_lines;
using definitions::LogicalLine;
using definitions::physical_lines;
using definitions::Place;
using definitions::PostfixText;
using definitions::Setting;
using definitions::settings_of;
using model::Result;

namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;
// A command line has its limits, and a main.cf that is edited in parts is the same in the end.
constexpr std::size_t kMostAtOnce = 200, kMostBytesAtOnce = 512 * 1024;
// execve(2): MAX_ARG_STRLEN.
constexpr std::size_t kLongestArgument = 128 * 1024;

// SHARED_PARAMETERS of postmulti-script.
const std::vector<std::string> kShared{"command_directory", "daemon_directory",  "meta_directory",   "mail_owner",
                                       "setgid_group",      "sendmail_path",     "mailq_path",       "newaliases_path",
                                       "html_directory",    "manpage_directory", "sample_directory", "readme_directory",
                                       "shlib_directory"};

/// Two configuration directories: `copy` is edited, `block` holds what is wanted.
struct Workshop {
  host::TemporaryDirectory directory;

  std::string copy() const { return directory.path() + "/copy"; }
  std::string block() const { return directory.path() + "/block"; }
};

Result<void> write_old(const std::string& file, const std::string& text) {
  auto written = host::replace_file(file, text);
  if (written) host::make_older(file, kNobodyWaits);
  return written;
}

Result<Workshop> open_workshop(const Files& files, const PostfixText& services) {
  auto directory = host::TemporaryDirectory::make();
  if (!directory) return std::unexpected(directory.error());
  Workshop shop{std::move(*directory)};
  auto done = write_old(shop.copy() + "/main.cf", files.main_cf);
  if (done) done = write_old(shop.copy() + "/master.cf", files.master_cf);
  if (done) done = write_old(shop.block() + "/main.cf", "");
  if (done) done = write_old(shop.block() + "/master.cf", services.text);
  if (!done) return std::unexpected(done.error());
  return shop;
}

std::string without(std::string text, const std::string& what, const std::string& instead) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += instead.size())
    text.replace(at, what.size(), instead);
  return text;
}

/// "PATH:LINE: words", of a file that was made of `text`, with the place where that was written.
std::string with_place(const std::string& message, const std::string& path, const PostfixText& text) {
  std::smatch match;
  static const std::regex numbered(":([0-9]{1,7}): ");
  auto at = message.find(path);
  if (at == std::string::npos) {
    // Of some mistakes only the line itself is told.
    for (const LogicalLine& line : logical_lines(text.text))
      if (line.behind == line.first + 1 && line.first < text.lines.size() &&
          message.find(line.text) != std::string::npos)
        return text.lines[line.first].text() + ": " + message;
    return message;
  }
  std::string rest = message.substr(at + path.size());
  if (!std::regex_search(rest, match, numbered, std::regex_constants::match_continuous)) return message;
  auto line = static_cast<std::size_t>(std::stoul(match[1]));
  if (line == 0 || line > text.lines.size()) return message;
  return text.lines[line - 1].text() + ": " + match.suffix().str();
}

std::vector<std::string> lines_of(const std::string& output) {
  std::vector<std::string> lines;
  for (std::string& line : physical_lines(output))
    if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

/// What postconf only warns of in a master.cf, while Postfix's programs stop for it: `missing '}' in "{ a = b"`; with the place of
/// what it quotes, if that is there (docs/postfix-facts.md, "postconf").
std::string syntax_error_in(const std::string& errors, const PostfixText& master_cf) {
  static const std::string told = "warning: master.cf: ";
  for (const std::string& line : lines_of(errors)) {
    auto at = line.find(told);
    if (at == std::string::npos) continue;
    std::string words = line.substr(at + told.size());
    auto open = words.find('"'), close = words.rfind('"');
    if (open == close) return words;
    std::string quoted = words.substr(open + 1, close - open - 1);
    // The place tells which; what is quoted may be a password.
    words = words.substr(0, open + 1) + quoted.substr(0, quoted.find_first_of(" =:", 2)) + words.substr(close);
    std::string piece = quoted.starts_with('{') ? quoted : "-o " + quoted;
    auto lines = physical_lines(master_cf.text);
    for (std::size_t number = 0; number < std::min(lines.size(), master_cf.lines.size()); ++number)
      if (lines[number].find(piece) != std::string::npos) return master_cf.lines[number].text() + ": " + words;
    return words;
  }
  return {};
}

/// "smtp/inet" of "smtp inet n - y …".
std::string service_name(const std::string& line) {
  auto words = split_words(line);
  return words.size() < 2 ? line : words[0] + "/" + words[1];
}

using Values = std::map<std::string, std::string>;

Values services_of(const std::string& output) {
  Values values;
  for (const std::string& line : lines_of(output)) values[service_name(line)] = line;
  return values;
}

Values values_of(const std::string& main_cf) {
  Values values;
  for (Setting& setting : settings_of(main_cf)) values[setting.name] = std::move(setting.value);
  return values;
}

/// What is wanted of each name, in the order in which it was written; nothing: that it is not there.
using Goals = std::vector<std::pair<std::string, std::optional<std::string>>>;

void aim(Goals& goals, const std::string& name, std::optional<std::string> value) {
  std::erase_if(goals, [&](const auto& goal) { return goal.first == name; });
  goals.emplace_back(name, std::move(value));
}

Goals setting_goals(const Wanted& wanted) {
  Goals goals;
  for (const std::string& name : wanted.forgotten_settings) aim(goals, name, std::nullopt);
  for (const auto& name : wanted.configuration.remove_main_cf) aim(goals, name.text, std::nullopt);
  for (Setting& setting : settings_of(wanted.configuration.main_cf.text)) aim(goals, setting.name, setting.value);
  for (const auto& [name, value] : wanted.own) aim(goals, name, value);
  return goals;
}

Goals service_goals(const Wanted& wanted, const std::string& output) {
  Goals goals;
  for (const std::string& name : wanted.forgotten_services) aim(goals, name, std::nullopt);
  for (const auto& name : wanted.configuration.remove_master_cf) aim(goals, name.text, std::nullopt);
  for (const std::string& line : lines_of(output)) aim(goals, service_name(line), line);
  return goals;
}

std::vector<Difference> compare(const Goals& goals, const Values& now) {
  std::vector<Difference> differences;
  for (const auto& [name, value] : goals) {
    auto found = now.find(name);
    auto before = found == now.end() ? std::nullopt : std::optional(found->second);
    if (before != value) differences.push_back({name, before, value});
  }
  return differences;
}

/// postconf's arguments for those edits: some to take away, some to set.
struct Edits {
  std::vector<std::vector<std::string>> calls;
};

Edits edits_for(const std::string& directory, const std::vector<Difference>& differences, const char* set,
                const char* take_away) {
  Edits edits;
  for (const char* how : {take_away, set}) {
    std::vector<std::string> call;
    std::size_t bytes = 0;
    for (const Difference& each : differences) {
      if (each.after.has_value() != (how == set)) continue;
      if (call.empty()) call = words("-c", directory, how);
      call.push_back(each.name + (each.after ? "=" + *each.after : ""));
      bytes += call.back().size();
      if (call.size() < kMostAtOnce && bytes < kMostBytesAtOnce) continue;
      edits.calls.push_back(std::exchange(call, {}));
      bytes = 0;
    }
    if (!call.empty()) edits.calls.push_back(std::move(call));
  }
  return edits;
}

/// Where in the definition that parameter is set last; nothing: nowhere.
std::optional<Place> place_of(const std::string& name, const PostfixText& text) {
  std::optional<Place> place;
  for (const Setting& setting : settings_of(text.text))
    if (setting.name == name && setting.first < text.lines.size()) place = text.lines[setting.first];
  return place;
}

/// postconf's warnings of the copy, as one who reads the definition can use them.
std::vector<std::string> warnings_of(const std::string& errors, const std::string& copy, const PostfixText& main_cf) {
  static const std::string unused = "unused parameter: ";
  std::vector<std::string> warnings;
  for (const std::string& line : lines_of(errors)) {
    auto words = line.find("warning: ");
    if (words == std::string::npos) continue;
    std::string text = without(line.substr(words + 9), copy + "/", "");
    auto at = text.find(unused);
    std::string name = at == std::string::npos ? "" : text.substr(at + unused.size());
    name.resize(std::min(name.find('='), name.size()));
    if (name.empty()) {
      warnings.push_back(shown_complaint(text));
    } else if (auto place = place_of(name, main_cf)) {
      // Of what the definition does not mention nobody is told at each apply.
      warnings.push_back(place->text() + ": Postfix has no parameter \"" + name +
                         "\", and nothing here uses it as one of its own");
    }
  }
  return warnings;
}

class Drafting {
 public:
  Drafting(Tools& tools, Files files, Wanted wanted) : tools_(tools), wanted_(std::move(wanted)) {
    draft_.before = std::move(files);
  }

  asio::awaitable<Result<Draft>> run() {
    auto open = [this] { return open_workshop(draft_.before, wanted_.configuration.master_cf); };
    auto shop = co_await host::offload(tools_.pool(), std::move(open));
    if (!shop) co_return std::unexpected(shop.error());
    shop_ = std::move(*shop);
    auto edited = co_await edit_settings();
    if (edited) edited = co_await edit_services();
    if (edited) edited = co_await read_back();
    if (!edited) co_return std::unexpected(told(edited.error()));
    co_return std::move(draft_);
  }

 private:
  asio::awaitable<Result<void>> edit_settings() {
    draft_.settings = compare(setting_goals(wanted_), values_of(draft_.before.main_cf));
    Edits edits = edits_for(shop_.copy(), draft_.settings, "-e", "-X");
    co_return co_await carry_out(std::move(edits));
  }

  asio::awaitable<Result<void>> edit_services() {
    std::string wanted;
    if (!wanted_.configuration.master_cf.empty()) {
      auto read = co_await tools_.run_postconf(words("-c", shop_.block(), "-M"));
      if (!read) co_return std::unexpected(read.error());
      if (!read->ok()) co_return model::failure(reason_in(read->errors));
      std::string mistake = syntax_error_in(read->errors, wanted_.configuration.master_cf);
      if (!mistake.empty()) co_return model::failure(std::move(mistake));
      wanted = std::move(read->output);
    }
    Goals goals = service_goals(wanted_, wanted);
    if (goals.empty()) co_return Result<void>{};
    auto now = co_await tools_.postconf(words("-c", shop_.copy(), "-M"));
    if (!now) co_return std::unexpected(now.error());
    draft_.services = compare(goals, services_of(*now));
    Edits edits = edits_for(shop_.copy(), draft_.services, "-M", "-MX");
    auto done = co_await carry_out(std::move(edits));
    if (!done || draft_.services.empty()) co_return done;
    now = co_await tools_.postconf(words("-c", shop_.copy(), "-M"));
    if (!now) co_return std::unexpected(now.error());
    auto missed = compare(goals, services_of(*now));
    if (missed.empty()) co_return Result<void>{};
    co_return model::failure("postconf -M did not make " + missed.front().name + " what is wanted: \"" +
                             shown_service(missed.front().after.value_or("(not there)")) + "\"");
  }

  asio::awaitable<Result<void>> carry_out(Edits edits) {
    for (std::vector<std::string>& call : edits.calls) {
      for (const std::string& word : call)
        if (word.size() >= kLongestArgument)
          co_return model::failure(word.substr(0, word.find('=')) +
                                   " is longer than 128 KiB, the most that postconf can be given: put it into a table");
      auto age = [file = shop_.copy() + "/main.cf"] {
        host::make_older(file, kNobodyWaits);
        return true;
      };
      co_await host::offload(tools_.pool(), std::move(age));
      auto done = co_await tools_.postconf(std::move(call));
      if (!done) co_return std::unexpected(done.error());
    }
    co_return Result<void>{};
  }

  /// What has become of the copy, and what Postfix thinks of it.
  asio::awaitable<Result<void>> read_back() {
    draft_.after = draft_.before;
    if (draft_.settings.empty() && draft_.services.empty()) co_return Result<void>{};
    auto read = [copy = shop_.copy()] {
      host::make_older(copy + "/main.cf", kNobodyWaits);
      return std::pair(host::read_small_file(copy + "/main.cf", kLargestFile),
                       host::read_small_file(copy + "/master.cf", kLargestFile));
    };
    auto [main_cf, master_cf] = co_await host::offload(tools_.pool(), std::move(read));
    if (!main_cf || !master_cf) co_return model::failure("the edited copy cannot be read");
    draft_.after = Files{std::move(*main_cf), std::move(*master_cf)};
    auto missed = compare(setting_goals(wanted_), values_of(draft_.after.main_cf));
    if (!missed.empty())
      co_return model::failure("postconf -e did not make " + missed.front().name + " what is wanted: \"" +
                               shown_value(missed.front().name, missed.front().after.value_or("(not there)")) + "\"");
    auto asked = co_await tools_.run_postconf(words("-c", shop_.copy(), "-n"));
    if (!asked) co_return std::unexpected(asked.error());
    if (!asked->ok()) co_return model::failure(reason_in(asked->errors));
    draft_.warnings = warnings_of(asked->errors, shop_.copy(), wanted_.configuration.main_cf);
    co_return Result<void>{};
  }

  model::Error told(const model::Error& error) const {
    std::string words = with_place(error.message, shop_.block() + "/master.cf", wanted_.configuration.master_cf);
    return {shown_complaint(without(std::move(words), shop_.copy() + "/", "")), error.number};
  }

  Tools& tools_;
  Wanted wanted_;
  Workshop shop_;
  Draft draft_;
};

}  // namespace

Result<host::TemporaryDirectory> directory_with(const Files& files) {
  auto made = host::TemporaryDirectory::make();
  if (!made) return made;
  auto done = write_old(made->path() + "/main.cf", files.main_cf);
  if (done) done = write_old(made->path() + "/master.cf", files.master_cf);
  if (!done) return std::unexpected(done.error());
  return made;
}

asio::awaitable<Result<Draft>> draft(Tools& tools, Files files, Wanted wanted) {
  Drafting drafting(tools, std::move(files), std::move(wanted));
  co_return co_await drafting.run();
}

Draft difference(Files before, Files after) {
  auto services = [](const std::string& master_cf) {
    Values values;
    for (const LogicalLine& line : logical_lines(master_cf)) values[service_name(line.text)] = line.text;
    return values;
  };
  auto compare_all = [](const Values& then, const Values& now) {
    std::vector<Difference> differences;
    for (const auto& [name, value] : then)
      if (!now.contains(name)) differences.push_back({name, value, std::nullopt});
    for (const auto& [name, value] : now) {
      auto found = then.find(name);
      if (found == then.end() || found->second != value)
        differences.push_back({name, found == then.end() ? std::nullopt : std::optional(found->second), value});
    }
    return differences;
  };
  Draft draft;
  draft.settings = compare_all(values_of(before.main_cf), values_of(after.main_cf));
  draft.services = compare_all(services(before.master_cf), services(after.master_cf));
  draft.before = std::move(before);
  draft.after = std::move(after);
  return draft;
}

asio::awaitable<Result<Files>> files_of_new_instance(Tools& tools, std::string primary) {
  auto meta = co_await tools.postconf(words("-c", primary, "-xh", "meta_directory"));
  if (!meta) co_return std::unexpected(meta.error());
  std::string directory = meta->substr(0, meta->find('\n'));
  auto read = [directory]() -> Result<Files> {
    auto main_cf = host::read_small_file(directory + "/main.cf.proto", kLargestFile);
    auto master_cf = host::read_small_file(directory + "/master.cf.proto", kLargestFile);
    if (main_cf && master_cf) return Files{std::move(*main_cf), std::move(*master_cf)};
    return model::failure(directory +
                          "/main.cf.proto or master.cf.proto cannot be read: they are what a new instance gets");
  };
  auto files = co_await host::offload(tools.pool(), std::move(read));
  if (!files) co_return files;
  // What the prototype has empty is the primary's, or Postfix's own default.
  auto asked = words("-c", std::move(primary), "-n");
  asked.insert(asked.end(), kShared.begin(), kShared.end());
  auto shared = co_await tools.postconf(std::move(asked));
  if (!shared) co_return std::unexpected(shared.error());
  auto set = parse_parameters(*shared);
  Wanted wanted;
  for (const std::string& name : kShared)
    wanted.own.emplace_back(name, set.contains(name) ? std::optional(set[name]) : std::nullopt);
  auto made = co_await draft(tools, std::move(*files), std::move(wanted));
  if (!made) co_return std::unexpected(made.error());
  co_return std::move(made->after);
}

std::vector<std::string> names_set(const PostfixText& main_cf) {
  std::vector<std::string> names;
  for (auto& [name, value] : values_of(main_cf.text)) names.push_back(name);
  return names;
}

}  // namespace postmultid::postfix
