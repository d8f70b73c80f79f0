#include "postfix/tables.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>

#include "definitions/logical_lines.hpp"
#include "host/atomic_file.hpp"
#include "host/deadline.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "host/temporary_directory.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

using definitions::physical_lines;
using model::Result;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestSource = 8 * 1024 * 1024;
// What a command prints is kept in full only so far (host::Children).
constexpr std::size_t kLargestOutput = 64 * 1024;
// A source that is larger is not tried first.
constexpr std::size_t kLargestTried = 1024 * 1024, kMostWarnings = 20;
constexpr std::chrono::seconds kCommandLimit{60}, kPostmapLimit{120}, kDiffLimit{10};

/// The file names of DICT_… in Postfix's util/dict_*.c.
const std::map<std::string, std::string>& suffixes() {
  static const std::map<std::string, std::string> all{{"hash", ".db"}, {"btree", ".db"}, {"lmdb", ".lmdb"},
                                                      {"cdb", ".cdb"}, {"dbm", ".pag"},  {"sdbm", ".pag"}};
  return all;
}

/// What a symbolic link leads to, so that it stays one.
std::string behind_links(const std::string& path) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  return error ? path : real.string();
}

/// Nothing that is not there is kept from anybody.
bool is_kept_from_others(const std::string& path) {
  std::error_code error;
  auto status = fs::status(path, error);
  return !error && fs::exists(status) && (status.permissions() & fs::perms::others_read) == fs::perms::none;
}

/// The source that a definition wants, if it does not come from a command.
Result<std::string> read_source(const definitions::Map& map) {
  if (map.text) return map.text->text;
  std::error_code error;
  auto size = fs::file_size(map.file.text, error);
  if (error) return std::unexpected(model::system_error(map.file.place.text() + ": " + map.file.text, error.value()));
  auto text = size > kLargestSource ? std::nullopt : host::read_small_file(map.file.text, kLargestSource);
  if (!text)
    return model::failure(map.file.place.text() + ": " + map.file.text + ": cannot be read, or is above 8 MiB");
  return std::move(*text);
}

asio::awaitable<Result<std::string>> print_source(Tools& tools, definitions::Map map) {
  std::string where = map.from_place.text() + ": " + map.from.front();
  auto ended = co_await host::within(kCommandLimit, tools.run_aside(map.from));
  if (!ended) co_return model::failure(where + " did not end within 60 s");
  if (!*ended) co_return std::unexpected((*ended).error().within(where));
  if (!(*ended)->ok()) {
    auto said = map.secret ? "what it says is not shown, for it is secret" : last_line((*ended)->errors);
    co_return model::failure(where + " failed" + (said.empty() ? "" : ": " + said));
  }
  if ((*ended)->output.size() >= kLargestOutput)
    co_return model::failure(where + " printed more than 64 KiB; let it write a file, and name that in file:");
  co_return std::move((*ended)->output);
}

/// Whether postmap has to run although the source is the same.
bool is_outdated(const std::string& table, const std::string& source) {
  auto made = host::written_at(table), written = host::written_at(source);
  return !made || !written || *written > *made;
}

/// `work.type`, or what is taken instead of one that is not there.
Result<void> choose_type(TableWork& work, const definitions::Map& map, const TableTypes& types,
                         const std::string& main_cf) {
  work.type = map.type.text.empty() ? types.usual : map.type.text;
  if (types.known.contains(work.type)) return {};
  std::string missing = map.type.place.text() + ": there are no tables of the type \"" + work.type +
                        "\" here (apt-get install postfix-" + work.type + ")";
  bool named = main_cf.find(work.type + ":") != std::string::npos;
  if (named || !is_indexed(work.type) || !types.known.contains(types.usual)) return model::failure(missing);
  work.warnings.push_back(missing + "; it is made as " + types.usual);
  work.type = types.usual;
  return {};
}

/// The place of a line of the source.
std::string place_of(const definitions::Map& map, std::size_t line) {
  if (map.text && line > 0 && line <= map.text->lines.size()) return map.text->lines[line - 1].text();
  if (!map.file.text.empty()) return map.file.text + ":" + std::to_string(line);
  return map.name.place.text() + ": line " + std::to_string(line);
}

/// A warning of postmap's about `path`: "postmap: warning: PATH, line 3: …", with the place of that line. Of what is not to be seen
/// only what Postfix says, not what it quotes.
std::string told(std::string line, const std::string& path, const definitions::Map& map, bool hidden) {
  static const std::string kind = "warning: ", number = ", line ";
  line.erase(0, line.find(kind) + kind.size());
  std::string place = map.name.place.text();
  auto at = line.find(path);
  if (at != std::string::npos) {
    std::string rest = line.substr(at + path.size());
    std::size_t digits = 0;
    if (rest.starts_with(number)) digits = rest.find_first_not_of("0123456789", number.size()) - number.size();
    if (digits > 0 && digits < 8) {
      place = place_of(map, std::stoul(rest.substr(number.size(), digits)));
      line = rest.substr(std::min(rest.find(": "), rest.size()));
    } else {
      line = map.name.text + rest;
    }
  }
  line.erase(0, line.find_first_not_of(": "));
  if (hidden) line.resize(std::min(line.find('"'), line.size()));
  return place + ": " + line;
}

/// What Postfix says of a source that is new, by making a table of a private copy, or by a lookup in one. `config_directory`: of
/// any instance; the source's own may not be there yet.
asio::awaitable<Result<std::vector<std::string>>> try_source(Tools& tools, TableWork work, definitions::Map map,
                                                             std::string config_directory) {
  static const std::set<std::string> kReadAsTheyAre{"regexp", "pcre", "cidr", "texthash"};
  std::vector<std::string> warnings;
  bool indexed = is_indexed(work.type);
  if (work.after.size() > kLargestTried || (!indexed && !kReadAsTheyAre.contains(work.type))) co_return warnings;
  auto write = [work]() -> Result<host::TemporaryDirectory> {
    auto made = host::TemporaryDirectory::make();
    if (!made) return made;
    auto written = host::replace_file(made->path() + "/" + work.name, work.after);
    if (!written) return std::unexpected(written.error());
    return made;
  };
  auto directory = co_await host::offload(tools.pool(), std::move(write));
  if (!directory) co_return std::unexpected(directory.error());
  std::string path = directory->path() + "/" + work.name;
  auto postmap = words(tools.program("postmap"), "-c", config_directory);
  if (!indexed) {
    postmap.push_back("-q");
    postmap.push_back("postmultid");
  }
  postmap.push_back(work.type + ":" + path);
  auto ended = co_await host::within(kCommandLimit, tools.run_aside(std::move(postmap)));
  if (!ended) co_return model::failure(map.name.place.text() + ": postmap did not end within 60 s");
  if (!*ended) co_return std::unexpected((*ended).error());
  for (const std::string& line : physical_lines((*ended)->errors)) {
    if (warnings.size() >= kMostWarnings) break;
    if (line.find("warning: ") != std::string::npos) warnings.push_back(told(line, path, map, work.hidden));
  }
  if (indexed && !(*ended)->ok())
    co_return model::failure(map.name.place.text() + ": postmap " + work.name + ": " +
                             (work.hidden ? "failed" : last_line((*ended)->errors)));
  co_return warnings;
}

}  // namespace

std::vector<TableName> tables_in(const std::string& text) {
  std::vector<TableName> found;
  for (std::size_t colon = text.find(':'); colon != std::string::npos; colon = text.find(':', colon + 1)) {
    std::size_t begin = colon;
    while (begin > 0 && text[begin - 1] >= 'a' && text[begin - 1] <= 'z') --begin;
    std::size_t end = std::min(text.find_first_of(" \t\r\n,;", colon), text.size());
    if (begin == colon || end == colon + 1) continue;
    TableName table{text.substr(begin, colon - begin), text.substr(colon + 1, end - colon - 1)};
    // Of { lookup hash:PATH}.
    while (std::ranges::count(table.path, '}') > std::ranges::count(table.path, '{') && table.path.ends_with('}'))
      table.path.pop_back();
    found.push_back(std::move(table));
  }
  return found;
}

bool is_indexed(const std::string& type) { return suffixes().contains(type); }

std::string table_file(const std::string& type, const std::string& source) {
  auto found = suffixes().find(type);
  return found == suffixes().end() ? "" : source + found->second;
}

asio::awaitable<Result<TableTypes>> table_types(Tools& tools, std::string config_directory) {
  auto known = co_await tools.postconf(words("-c", config_directory, "-m"));
  if (!known) co_return std::unexpected(known.error());
  auto usual = co_await tools.postconf(words("-c", config_directory, "-xh", "default_database_type"));
  if (!usual) co_return std::unexpected(usual.error());
  TableTypes types;
  types.config_directory = std::move(config_directory);
  for (const std::string& type : split_words(*known)) types.known.insert(type);
  for (const std::string& type : split_words(*usual)) types.usual = type;
  co_return types;
}

asio::awaitable<Result<std::optional<TableWork>>> examine_table(Tools& tools, definitions::Map map,
                                                                std::string config_directory, TableTypes types,
                                                                std::string main_cf, bool run_commands) {
  if (!map.from.empty() && !run_commands) co_return std::optional<TableWork>{};
  TableWork work;
  work.name = map.name.text;
  work.secret = map.secret;
  if (auto chosen = choose_type(work, map, types, main_cf); !chosen) co_return std::unexpected(chosen.error());
  Result<std::string> source = std::string();
  if (map.from.empty()) {
    auto read = [map] { return read_source(map); };
    source = co_await host::offload(tools.pool(), std::move(read));
  } else {
    source = co_await print_source(tools, map);
  }
  if (!source) co_return std::unexpected(source.error());
  if (source->find('\0') != std::string::npos)
    co_return model::failure(map.name.place.text() + ": the source of " + map.name.text +
                             " has a NUL in it; it must be text");
  work.after = std::move(*source);
  auto look = [work, map, path = config_directory + "/" + map.name.text]() mutable {
    work.path = behind_links(path);
    work.before = host::read_small_file(path, kLargestSource);
    std::string table = table_file(work.type, path);
    if (!table.empty()) work.table = behind_links(table);
    work.secret |= is_kept_from_others(map.file.text);
    work.hidden = work.secret || is_kept_from_others(path);
    work.tighten = work.secret && work.before && !is_kept_from_others(path);
    bool outdated = is_indexed(work.type) && is_outdated(table, path);
    work.build = is_indexed(work.type) && (work.source_changed() || work.tighten || outdated);
    return work;
  };
  work = co_await host::offload(tools.pool(), std::move(look));
  if (run_commands && work.source_changed()) {
    auto tried = co_await try_source(tools, work, std::move(map), std::move(types.config_directory));
    if (!tried) co_return std::unexpected(tried.error());
    work.warnings.insert(work.warnings.end(), tried->begin(), tried->end());
  }
  co_return std::optional(std::move(work));
}

namespace {

/// The new source, beside the old one, as the old one may be read by whom.
Result<std::string> write_beside(const TableWork& work) {
  std::string beside = work.path + ".postmultid";
  struct stat old {};
  bool there = ::stat(work.path.c_str(), &old) == 0;
  mode_t mode = work.tighten || (work.secret && !there) ? 0600U : there ? old.st_mode & 07777U : 0644U;
  auto written =
      host::replace_file(beside, work.after, host::Owner{there ? old.st_uid : 0, there ? old.st_gid : 0, mode});
  if (!written) return std::unexpected(written.error());
  return beside;
}

void remove_beside(const TableWork& work) {
  std::error_code ignored;
  std::string beside = work.path + ".postmultid";
  fs::remove(beside, ignored);
  if (std::string table = table_file(work.type, beside); !table.empty()) fs::remove(table, ignored);
}

/// rename(2), also from another file system.
void move_file(const std::string& from, const std::string& to, std::error_code& error) {
  fs::rename(from, to, error);
  if (error != std::errc::cross_device_link) return;
  error.clear();
  fs::copy_file(from, to + ".postmultid", fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(to + ".postmultid", to, error);
  std::error_code ignored;
  fs::remove(from, ignored);
}

/// Both files in their places; the table first, for a source that is newer than its table is complained of by Postfix. A source that
/// is as it has to be stays what it is.
Result<TableBefore> move_in(const TableWork& work, const std::string& keep_in) {
  std::error_code error;
  std::string beside = work.path + ".postmultid";
  TableBefore before{work.path, work.before, host::same_as(work.path), work.build ? work.table : "", ""};
  if (!before.table.empty() && fs::exists(before.table, error)) {
    before.kept = table_file(work.type, keep_in + "/" + work.name);
    fs::copy_file(before.table, before.kept, fs::copy_options::overwrite_existing, error);
    if (error) return std::unexpected(model::system_error("copy " + before.table, error.value()));
  }
  if (work.build) move_file(table_file(work.type, beside), before.table, error);
  if (error) return std::unexpected(model::system_error("rename " + before.table, error.value()));
  if (work.source_changed() || work.tighten)
    fs::rename(beside, work.path, error);
  else
    fs::remove(beside, error);
  if (!error) return before;
  auto failed = model::system_error("rename " + work.path, error.value());
  if (auto undone = put_back(before); !undone) failed.message += "; " + undone.error().message;
  return std::unexpected(failed);
}

}  // namespace

asio::awaitable<Result<TableBefore>> replace_table(Tools& tools, TableWork work, std::string config_directory,
                                                   std::string keep_in) {
  auto write = [work] { return write_beside(work); };
  auto beside = co_await host::offload(tools.pool(), std::move(write));
  if (!beside) co_return std::unexpected(beside.error());
  Result<void> made;
  if (work.build) {
    auto postmap = words(tools.program("postmap"), "-c", config_directory, work.type + ":" + *beside);
    auto ended = co_await host::within(kPostmapLimit, tools.run(std::move(postmap)));
    if (!ended)
      made = model::failure("postmap did not end within 2 minutes");
    else if (!*ended)
      made = std::unexpected((*ended).error());
    else if (!(*ended)->ok())
      made = model::failure("postmap " + work.name + ": " + last_line((*ended)->output));
  }
  auto move = [work, keep_in, made]() -> Result<TableBefore> {
    auto moved = made ? move_in(work, keep_in) : Result<TableBefore>(std::unexpected(made.error()));
    if (!moved) remove_beside(work);
    return moved;
  };
  co_return co_await host::offload(tools.pool(), std::move(move));
}

Result<void> put_back(const TableBefore& before) {
  std::error_code error;
  if (!before.table.empty() && !before.kept.empty())
    fs::copy_file(before.kept, before.table + ".postmultid", fs::copy_options::overwrite_existing, error);
  if (!error && !before.kept.empty()) fs::rename(before.table + ".postmultid", before.table, error);
  if (!error && !before.table.empty() && before.kept.empty()) fs::remove(before.table, error);
  if (!error && !before.source) fs::remove(before.path, error);
  if (error) return std::unexpected(model::system_error("put back " + before.path, error.value()));
  return before.source ? host::replace_file(before.path, *before.source, before.owner) : Result<void>{};
}

asio::awaitable<SourceChange> changed_lines(Tools& tools, std::string before, std::string after) {
  auto write = [before, after]() -> Result<host::TemporaryDirectory> {
    auto made = host::TemporaryDirectory::make();
    if (!made) return made;
    auto done = host::replace_file(made->path() + "/before", before);
    if (done) done = host::replace_file(made->path() + "/after", after);
    if (!done) return std::unexpected(done.error());
    return made;
  };
  auto directory = co_await host::offload(tools.pool(), std::move(write));
  SourceChange change;
  if (!directory) co_return change;
  // With a line break of its own each: the last line of a file may have none.
  auto diff = words("/usr/bin/diff", "--old-line-format=- %l\n", "--new-line-format=+ %l\n",
                    "--unchanged-line-format=", directory->path() + "/before", directory->path() + "/after");
  auto ended = co_await host::within(kDiffLimit, tools.run_aside(std::move(diff)));
  if (!ended || !*ended) {
    change.note = "what changes is not shown: diff failed, or did not end within 10 s";
    co_return change;
  }
  change.lines = physical_lines((*ended)->output);
  if ((*ended)->output.size() >= kLargestOutput) {
    change.lines.erase(change.lines.begin());  // the last of the output was kept: this line is not whole
    change.note = "the last 64 KiB of what changes";
    co_return change;
  }
  auto is_removed = [](const std::string& line) { return line.starts_with("- "); };
  auto removed = static_cast<std::size_t>(std::ranges::count_if(change.lines, is_removed));
  std::size_t all = physical_lines(before).size();
  change.unchanged = static_cast<unsigned>(all - std::min(all, removed));
  co_return change;
}

}  // namespace postmultid::postfix
