#include "postfix/facade.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <filesystem>

#include "host/atomic_file.hpp"
#include "host/proc.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

constexpr std::size_t kLargestUnit = 64 * 1024;
// Called so that it is read last: what an administrator has put beside it must not bring an ExecStop= back.
constexpr char kService[] = "/etc/systemd/system/postfix.service.d/zz-postmultid.conf";
constexpr char kTemplate[] = "/etc/systemd/system/postfix@.service.d/zz-postmultid.conf";
constexpr char kPassing[] = "/run/systemd/system";
constexpr char kPretence[] = "zz-postmultid-handback.conf";
constexpr char kMask[] = "/etc/systemd/system-generators/postfix-instance-generator";
// Any link to there masks a generator. This spelling tells ours from an administrator's, which stays when we go.
constexpr char kOurMask[] = "/../dev/null";
constexpr char kGeneratorName[] = "systemd/system-generators/postfix-instance-generator";

constexpr char kHead[] = "# Made by \"pmctl takeover\"; \"pmctl handback\" takes it away.\n";

// KillMode: what is in the unit's cgroup may be a master that ran before the takeover, and is not this unit's to end.
constexpr char kOurs[] = R"([Unit]
Wants=postmultid.service
After=postmultid.service

[Service]
Type=oneshot
RemainAfterExit=yes
PIDFile=
Restart=no
KillMode=process
TimeoutStartSec=15min
TimeoutStopSec=15min
ExecStartPre=
ExecStartPost=
ExecStopPost=
ExecStart=
ExecReload=
ExecStop=
)";

constexpr char kLoose[] = "[Service]\nExecReload=\nExecStop=\nExecStopPost=\nKillMode=none\n";

Result<void> put(const std::string& path, const std::string& text) {
  if (auto done = host::replace_file(path, kHead + text); !done) return done;
  // It is no secret, and systemd says so where a unit's file looks like one.
  if (::chmod(path.c_str(), 0644) < 0) return std::unexpected(model::system_error("chmod " + path));
  return {};
}

Result<void> take_away(const std::string& path) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return std::unexpected(model::system_error("remove " + path));
  std::error_code ignored;  // somebody else's drop-ins keep the directory
  std::filesystem::remove(std::filesystem::path(path).parent_path(), ignored);
  return {};
}

/// As systemd-escape(1): what stands between "postfix@" and ".service" for a path that ends so.
std::string escaped(const std::string& text) {
  std::string result;
  for (unsigned char c : text) {
    if (c == '/')
      result += '-';
    else if (std::isalnum(c) || c == ':' || c == '_' || (c == '.' && !result.empty()))
      result += static_cast<char>(c);
    else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", c);
      result += hex;
    }
  }
  return result;
}

}  // namespace

/// Where systemd looks, in its order; empty if it is nowhere.
std::string Facade::unit_file(const std::string& name) const {
  for (const char* directory : {"/etc/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/"})
    if (std::filesystem::exists(root_ + directory + name)) return root_ + directory + name;
  return "";
}

/// Debian 13: an instance of the unit is what follows /etc/postfix- in its directory, and postfix.service is the primary; before,
/// it is its name.
bool Facade::by_directory() const {
  auto text = host::read_small_file(unit_file("postfix@.service"), kLargestUnit);
  return text && text->find("/etc/postfix-%") != std::string::npos;
}

bool Facade::possible() const {
  return std::filesystem::is_directory(root_ + "/run/systemd/system") && !files().empty();
}

bool Facade::in_force() const {
  std::error_code none;
  return std::filesystem::exists(root_ + kService, none) || std::filesystem::exists(root_ + kTemplate, none);
}

std::vector<std::string> Facade::files() const {
  std::vector<std::string> all;
  if (!unit_file("postfix.service").empty()) all.push_back(root_ + kService);
  if (!unit_file("postfix@.service").empty()) all.push_back(root_ + kTemplate);
  for (const char* directory : {"/usr/lib/", "/lib/"})
    if (std::filesystem::exists(root_ + directory + kGeneratorName)) {
      all.push_back(root_ + kMask);
      break;
    }
  return all;
}

Result<void> Facade::loosen() const {
  for (const char* path : {kService, kTemplate}) {
    bool has_instances = path == kTemplate ? !unit_file("postfix@.service").empty() : by_directory();
    if (!has_instances) continue;
    if (auto done = put(root_ + path, kLoose); !done) return done;
  }
  return {};
}

std::vector<std::string> Facade::units() const {
  std::vector<std::string> patterns{"postfix@*.service"};
  if (by_directory()) patterns.push_back("postfix.service");
  return patterns;
}

Result<void> Facade::install() const {
  for (const std::string& path : files()) {
    if (path == root_ + kMask) {
      std::error_code error;
      std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
      if (::symlink(kOurMask, path.c_str()) < 0 && errno != EEXIST)
        return std::unexpected(model::system_error("symlink " + path));
      continue;
    }
    bool all = path == root_ + kService;
    std::string one = by_directory() ? "/etc/postfix-%I" : "%i";
    // A start that fails is told by pmctl, in the journal; a unit that had failed would not stop what runs.
    // To stop is not to wish down: package scripts stop what they start again.
    std::string text = std::string(kOurs) + "ExecStart=-" + pmctl_ +
                       (all ? " start --keep-desired --all" : " start -- " + one) + "\nExecReload=" + pmctl_ +
                       " reload --keep-desired " + (all ? "--all" : "-- " + one) + "\nExecStop=" + pmctl_ +
                       " stop --keep-desired " + (all ? "--all" : "-- " + one) + "\n";
    if (auto done = put(path, text); !done) return done;
  }
  return {};
}

Result<void> Facade::remove() const {
  for (const char* path : {kService, kTemplate})
    if (auto done = take_away(root_ + path); !done) return done;
  std::error_code error;
  if (std::filesystem::read_symlink(root_ + kMask, error) == kOurMask) return take_away(root_ + kMask);
  return {};
}

Result<void> Facade::pretend(const std::string& unit, const model::Proof& master) const {
  std::string pid = std::to_string(master.pid);
  return put(root_ + kPassing + "/" + unit + ".d/" + kPretence,
             "[Service]\nTimeoutStartSec=10s\nExecStartPre=\nExecStart=\nExecStart=+/bin/sh -c '[ /proc/" + pid +
                 "/exe -ef " + master.executable + " ] && echo " + pid +
                 " >/sys/fs/cgroup$$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.procs'\nPIDFile=" + master.lock_file +
                 "\n");
}

Result<void> Facade::end_pretence() const {
  std::error_code none;
  std::vector<std::filesystem::path> found;
  for (const auto& each : std::filesystem::directory_iterator(root_ + kPassing, none))
    if (each.path().filename().string().starts_with("postfix")) found.push_back(each.path() / kPretence);
  for (const auto& path : found)
    if (auto done = take_away(path); !done) return done;
  return {};
}

std::optional<std::string> Facade::unit_of(const model::Member& instance) const {
  if (unit_file("postfix@.service").empty()) return std::nullopt;
  constexpr std::string_view kBesidePrimary = "/etc/postfix-";
  if (!by_directory()) {
    if (!instance.primary && instance.name.empty()) return std::nullopt;
    return "postfix@" + (instance.primary ? "-" : instance.name) + ".service";
  }
  if (instance.primary) return "postfix.service";
  if (!instance.config_directory.starts_with(kBesidePrimary)) return std::nullopt;
  return "postfix@" + escaped(instance.config_directory.substr(kBesidePrimary.size())) + ".service";
}

}  // namespace postmultid::postfix
