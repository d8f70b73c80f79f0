// What the world sees of a host's mail system: the values behind GET /v1/status, and their JSON in both
// directions (pmctl reads what the daemon writes). Times are wall-clock, RFC 3339 in JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/words.hpp"

namespace postmultid::model {

using WallTime = std::chrono::system_clock::time_point;

/// "2026-11-23T14:02:11.312Z"
std::string to_rfc3339(WallTime time);
/// Reads what to_rfc3339 writes; nothing for anything else.
std::optional<WallTime> from_rfc3339(const std::string& text);

/// Why a member is not (or not quite) what it should be, and what happens next.
struct Reason {
  std::string code;     // stable, for programs
  std::string message;  // one sentence, with file and line where there is one
  WallTime since;
  std::string next_action;  // empty: nothing happens by itself
  std::optional<WallTime> next_at;
  std::string hint;                  // a command that can be pasted
  std::optional<FailureClass> kind;  // "class" in JSON; nothing: it is no failure
  std::string awaits;                // what else than time makes it happen: "a change of its files"
  std::string effect;                // what it means for mail and for other members
  std::vector<std::string> log;      // the last words of its log about it
  std::string last_good;             // the directory with the files that it last ran well with, if they are others now

  bool operator==(const Reason&) const = default;
};

/// One of the last failures of a member. The same failure again is counted, not repeated.
struct Failure {
  WallTime at;       // the last time
  std::string what;  // one word: "died", "start-failed", "check-failed", "blocked"
  FailureClass kind = FailureClass::crash;
  std::string code, message;
  unsigned times = 1;
  std::vector<std::string> log;

  bool operator==(const Failure&) const = default;
};

struct Check {
  std::string name;        // master, qmgr, showq, services, listeners, banner, queue, config
  std::optional<bool> ok;  // nothing: not known
  std::string detail;
  bool curable = true;  // a restart may help; not in JSON

  bool operator==(const Check&) const = default;
};

/// What a look at a running member showed.
struct Readiness {
  std::vector<Check> checks;
  std::vector<std::string> listeners;
};

struct LastExit {
  ExitCause cause = ExitCause::unknown;
  std::string signal;         // "SIGKILL"; empty if none
  std::optional<int> status;  // exit status; nothing after a signal
  WallTime at;
  bool core_dumped = false;

  bool operator==(const LastExit&) const = default;
};

/// Messages by queue directory; a message may be counted twice or not at all while it moves.
struct QueueCounts {
  std::uint64_t maildrop = 0, incoming = 0, active = 0, deferred = 0, hold = 0, corrupt = 0;
  std::optional<WallTime> oldest_at;  // arrival of the oldest message in incoming, active and deferred
  WallTime counted_at;
  bool truncated = false;  // the time budget ended first

  bool operator==(const QueueCounts&) const = default;
};

/// Why we believe that this pid is this instance's master (docs/postfix-facts.md, "Identity of a master").
struct Proof {
  int pid = 0;
  std::uint64_t start_ticks = 0;  // /proc/PID/stat field 22
  std::string executable;
  std::string lock_file;
  bool adopted = false;  // it was running before this daemon looked
  WallTime proved_at;

  bool operator==(const Proof&) const = default;
};

/// What crashed masters have left in the middle of a session, beside the one that runs.
struct Survivors {
  std::uint64_t count = 0;
  WallTime ended_at;  // if they have not ended by themselves

  bool operator==(const Survivors&) const = default;
};

/// What has happened to a member since this daemon started. For metrics; not in JSON.
struct MemberTally {
  std::map<ExitCause, std::uint64_t> exits;  // lives that ended without being asked to
  std::uint64_t start_failures = 0;
  std::uint64_t reloads = 0, reload_failures = 0;  // all, and those of them that failed or were refused

  bool operator==(const MemberTally&) const = default;
};

struct Member {
  MemberId id;
  std::string name, group;
  Kind kind = Kind::postfix;
  bool primary = false;
  std::string config_directory, queue_directory;
  State state = State::unknown;
  Desired desired = Desired::down;
  std::optional<bool> enabled;  // nothing: main.cf cannot be read
  Health health = Health::unknown;
  std::vector<Check> checks;
  std::optional<Reason> reason;
  std::optional<int> pid;
  std::optional<WallTime> started_at;
  WallTime state_changed_at;
  std::uint64_t restarts = 0;  // automatic ones, since this daemon started
  std::optional<LastExit> last_exit;
  std::vector<Failure> failures;       // since this daemon started, the oldest first; the last few
  std::vector<std::string> listeners;  // "*:25", "127.0.0.1:10026", "[::1]:25"
  std::optional<QueueCounts> queue;
  std::optional<std::uint64_t> processes;
  // Of its own cgroup; nothing: it has none, or nobody counts that there.
  std::optional<std::uint64_t> memory_bytes, tasks;
  std::optional<double> cpu_seconds;
  bool restart_required = false;
  std::optional<bool> drift;  // its files do not say what the definition says; nothing: it says nothing about them
  std::string drift_detail;   // where: "main.cf: relayhost"
  std::vector<std::string> stale_tables;  // whose sources are newer than what postmap made of them: "hash:/etc/aliases"
  std::optional<Proof> proof;
  std::optional<Survivors> survivors;
  MemberTally tally;

  bool operator==(const Member&) const = default;
};

struct Group {
  std::string name;
  std::size_t up = 0, wanted = 0;
  std::vector<MemberId> members;

  bool operator==(const Group&) const = default;
};

/// What has happened since this daemon started. For metrics; not in JSON.
struct DaemonTally {
  struct Ended {
    std::uint64_t all = 0, failed = 0;
    bool operator==(const Ended&) const = default;
  };
  std::map<Action, Ended> operations;
  std::uint64_t operations_under_way = 0;
  std::uint64_t events = 0;
  bool definition_good = true;                  // when it was read last
  std::optional<WallTime> definition_taken_at;  // when it was good last; nothing: it never was

  bool operator==(const DaemonTally&) const = default;
};

struct Daemon {
  std::string version, hostname, mail_version;
  std::string state;  // running, stopping
  int pid = 0;
  WallTime started_at;
  std::vector<std::string> definition_files;     // that are in force
  std::vector<std::string> definition_problems;  // FILE:LINE:COLUMN: what is wrong with it, or does not fit this host
  std::vector<std::string> problems;             // what the daemon itself cannot do as it should
  Mode mode = Mode::manage;
  std::string wrapper;  // the primary's multi_instance_wrapper
  DaemonTally tally;

  bool operator==(const Daemon&) const = default;
};

struct Status {
  Daemon daemon;
  std::vector<Group> groups;
  std::vector<Member> members;  // in start order

  bool operator==(const Status&) const = default;
};

void to_json(nlohmann::json& j, const Member& member);
void from_json(const nlohmann::json& j, Member& member);
void to_json(nlohmann::json& j, const Group& group);
void from_json(const nlohmann::json& j, Group& group);
void to_json(nlohmann::json& j, const Daemon& daemon);
void to_json(nlohmann::json& j, const Status& status);
void from_json(const nlohmann::json& j, Status& status);

}  // namespace postmultid::model
