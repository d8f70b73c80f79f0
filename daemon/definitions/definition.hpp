// What the definition files declare, as values: the order of the groups, the companions, and how each member is to be
// supervised. Nothing here says what *is*; runtime/roster.hpp lays this over what Postfix's own files list.
//
// Everything that was not written is absent (an empty optional), so that defaults, group and member can be laid over
// each other. Every name carries the place where it was written, for messages that are possible only later.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/role.hpp"

namespace postmultid::definitions {

using Duration = std::chrono::milliseconds;

/// Where something was written. Lines and columns are counted from 1, columns in bytes, as compilers do.
struct Place {
  std::string file;
  int line = 0, column = 0;

  std::string text() const { return file + ":" + std::to_string(line) + ":" + std::to_string(column); }
};

struct Name {
  std::string text;
  Place place;
};

enum class Restart { on_failure, always, never };
enum class OnUnhealthy { ignore, restart };
enum class OnUpgrade { rolling_restart, flag };

/// How long until a failed member is tried again; nothing: never.
struct RetryFailed {
  std::optional<Duration> after;
};

/// The keys of `supervise`, in defaults, groups and members; what is nearer to the member counts.
struct Supervise {
  std::optional<Restart> restart;
  std::optional<OnUnhealthy> on_unhealthy;
  std::optional<OnUpgrade> on_upgrade;
  std::optional<Duration> restart_delay, restart_delay_max, stable_after, start_limit_interval;
  std::optional<unsigned> start_limit;
  std::optional<RetryFailed> retry_failed;
  std::optional<Duration> start_timeout, stop_timeout, stop_grace, orphan_grace;
  // The largest number there is: no limit.
  std::optional<std::uint64_t> memory_max;  // bytes
  std::optional<std::uint64_t> tasks_max, cpu_weight;

  /// What is written here, and `further` where nothing is.
  Supervise over(const Supervise& further) const;
};

struct Group {
  Name name;
  std::vector<Name> members;  // in start order
  bool parallel = false;      // its members do not wait for each other
  bool required = false;      // later groups wait until all of it is up
  Supervise supervise;
};

/// Text in the syntax of main.cf or master.cf: what a block says, or what is made of a map. Only Postfix's own postconf
/// knows what it means. Of each of its lines, where it was written.
struct PostfixText {
  std::string text;  // empty, or ends with a newline
  std::vector<Place> lines;

  bool empty() const { return text.empty(); }
  /// What is said later wins, as in Postfix's own files.
  void append(const PostfixText& later);
};

/// A lookup table of an instance, TYPE:CONFIG_DIRECTORY/NAME. Exactly one of `text`, `file` and `from` is given.
struct Map {
  Name name;                        // of the file in the configuration directory: "virtual"
  Name type;                        // "hash", "lmdb", "pcre"; empty: the instance's default_database_type
  std::optional<PostfixText> text;  // its source, written here
  Name file;                        // absolute path of its source
  std::vector<std::string> from;    // a command (argv) that prints its source; the first is an absolute path
  Place from_place;
  bool secret = false;  // its source is never shown, and only root may read it
};

/// What an instance's own files are to say. Of what is not mentioned here nothing is said.
struct Configuration {
  PostfixText main_cf, master_cf;
  std::vector<Name> remove_main_cf;    // parameters
  std::vector<Name> remove_master_cf;  // services, as "smtp/inet"
  std::vector<Map> maps;

  bool empty() const;
  /// `nearer` laid over this: its text goes behind, its maps replace those of the same names; what it removes is not set any
  /// more, what it sets is not removed any more.
  Configuration with(const Configuration& nearer) const;
};

/// Where a new instance's directories are to be, where not where postmulti puts them.
struct Directories {
  Name config, queue, data;  // absolute paths; empty: not said
};

/// What is declared of an instance that Postfix lists, or that is to be made.
struct Instance {
  Name name;  // multi_instance_name, configuration directory, or "-" for the primary
  Supervise supervise;
  std::vector<std::string> reload_on;  // absolute paths: when one changes the instance is reloaded
  std::optional<bool> enabled;         // nothing: yes, for one that is declared
  Directories directories;             // never the primary's
  Configuration configuration;         // as written here; Definition::configuration_of() has the defaults beneath
};

/// Where a companion answers when it is ready: tcp://HOST:PORT (HOST an IPv4 address or an IPv6 address in brackets)
/// or unix:///PATH.
struct Endpoint {
  std::string host;  // without brackets; empty for unix
  std::uint16_t port = 0;
  std::string path;

  std::string text() const;
};

/// Something else that stands in a group's order: a unit that systemd runs, or a command that we run, or else what only has
/// to answer at `ready`, whoever runs it.
struct Companion {
  Name name;
  Name unit;                         // "spampd.service"; empty: none
  std::vector<std::string> command;  // argv; the first is an absolute path
  std::string user, group;           // empty: root; the user's own group
  std::map<std::string, std::string> environment;
  std::string directory = "/";
  std::optional<Endpoint> ready;
  int stop_signal = 15;
  Supervise supervise;
  std::vector<Name> command_keys;  // those that were written and count for a command only, with their places
};

/// Of each role, the users and "@groups" who have it. Whether they exist is asked where it is needed (runtime/accounts.hpp).
using Roles = std::map<model::Role, std::vector<Name>>;

struct Daemon {
  std::string postfix_commands;  // the directory of postconf; empty: found on PATH
  std::string log_level;         // error, warning, notice, info, debug; empty: as started
  Roles roles;
  std::optional<Endpoint> listen;  // an address of the loopback where metrics and health are told as well
};

struct Definition {
  std::vector<std::string> files;  // that were read, in their order
  std::vector<Group> groups;       // in start order
  Supervise defaults;
  Configuration default_configuration;  // of all that are declared, the primary too if it is
  std::optional<Instance> primary;
  std::vector<Instance> instances;
  std::vector<Companion> companions;
  Daemon daemon;

  Configuration configuration_of(const Instance& instance) const;
};

}  // namespace postmultid::definitions
