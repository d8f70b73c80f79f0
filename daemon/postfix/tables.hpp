// Lookup tables: their sources, and what postmap makes of them. A table is replaced whole: whoever looks something up finds the
// old one or the new one.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "definitions/definition.hpp"
#include "host/atomic_file.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

/// Types that Postfix has here (`postconf -m`), and what a table without a type is.
struct TableTypes {
  std::set<std::string> known;
  std::string usual;             // default_database_type
  std::string config_directory;  // of whom that was asked
};

asio::awaitable<model::Result<TableTypes>> table_types(Tools& tools, std::string config_directory);

/// TYPE:PATH.
struct TableName {
  std::string type, path;
};

/// Those that a value of main.cf or a line of master.cf has in it, as they are written: behind "proxy:", in braces, as options.
std::vector<TableName> tables_in(const std::string& text);

/// postmap makes a file beside the source for these; the others are read as they are written.
bool is_indexed(const std::string& type);

/// The file of a table of that source: "/etc/postfix/virtual.db"; empty where there is none, or it is not known.
std::string table_file(const std::string& type, const std::string& source);

/// What has to be done for one declared table.
struct TableWork {
  std::string name, type;  // of the file in the configuration directory; the type that it really gets
  std::string path;        // of its source there, or what a symbolic link there leads to
  std::string table;       // what postmap makes; empty: nothing
  std::optional<std::string> before;
  std::string after;     // its source's text
  bool secret = false;   // the definition says so, or its file is not for everybody
  bool hidden = false;   // it is secret, or not everybody on this host may read it: it is not shown
  bool tighten = false;  // it is secret, but everybody may read it
  bool build = false;    // postmap has to make the table
  std::vector<std::string>
      warnings;  // of a type that is not there and what is taken instead; of lines that Postfix skips

  bool source_changed() const { return before != after; }
  bool changed() const { return source_changed() || tighten || build; }
};

/// `run_commands`: else a table whose source a command prints is left out (nothing is returned), and Postfix is not asked what it
/// thinks of the lines.
asio::awaitable<model::Result<std::optional<TableWork>>> examine_table(Tools& tools, definitions::Map map,
                                                                       std::string config_directory, TableTypes types,
                                                                       std::string main_cf, bool run_commands);

/// Source and table as they were, to be put back.
struct TableBefore {
  std::string path;
  std::optional<std::string> source;
  host::Owner owner;  // the source's
  std::string table;  // its file; empty: none is made
  std::string kept;   // the copy of that file; empty: there was none
};

/// Makes the table beside its place, of the new source, and puts both in theirs. On failure nothing has changed.
/// The copy of the old table is made in `keep_in`.
asio::awaitable<model::Result<TableBefore>> replace_table(Tools& tools, TableWork work, std::string config_directory,
                                                          std::string keep_in);

/// Puts both back. Blocks.
model::Result<void> put_back(const TableBefore& before);

/// The changed lines of a source, "- " and "+ ", by diff(1); and how many lines stay.
struct SourceChange {
  std::vector<std::string> lines;
  std::optional<unsigned> unchanged;  // nothing: not all was counted
  std::string note;                   // why not all of it is here
};
asio::awaitable<SourceChange> changed_lines(Tools& tools, std::string before, std::string after);

}  // namespace postmultid::postfix
