#include "postfix/known_fatals.hpp"

#include <regex>
#include <vector>

namespace postmultid::postfix {

using model::FailureClass;
using model::Missing;

namespace {

// std::regex needs stack for every character.
constexpr std::size_t kLongest = 1024;

struct Entry {
  const char* pattern;  // its first group is the subject
  FailureClass kind;
  const char* code;
  const char* hint;  // "{1}" is the subject
  Missing missing = Missing::nothing;
  bool parameter = false;
};

constexpr auto config = FailureClass::config;
constexpr auto environment = FailureClass::environment;
constexpr auto crash = FailureClass::crash;

const char kShow[] = "postconf -c {config} {1}";
const char kPermissions[] = "postfix -c {config} set-permissions";
const char kCheck[] = "postfix -c {config} check";

// clang-format off
const Entry kTable[] = {
    // ---- what is missing around it, and may come
    {R"(No space left on device|Disk quota exceeded|not enough free space|No free space)",
     environment, "no-space", "df -h {queue}; df -i {queue}", Missing::space},
    {R"(^bind (\S+ port \d+): Address already in use)", environment, "port-in-use", "ss -lntp", Missing::port},
    {R"(^bind (\S+) port \d+: Cannot assign requested address)",
     environment, "no-such-address", "ip -brief address", Missing::address},
    {R"(^parameter inet_interfaces: no local interface found for (\S+))",
     environment, "no-such-address", "ip -brief address", Missing::address},
    {R"(^config variable inet_interfaces: host not found: (\S+))",
     environment, "name-not-resolved", "getent ahosts {1}", Missing::name},
    {R"(bad hostname or network address: (\S+):[^:\s]+$)",
     environment, "name-not-resolved", "getent ahosts {1}", Missing::name},
    {R"([Hh]ost not found(?:, try again)?: (\S+)|[Hh]ost not found)",
     environment, "name-not-resolved", "getent ahosts {1}", Missing::name},
    {R"(^open lock file (\S+): unable to set \w+ lock)", environment, "locked", "fuser -v {1}", Missing::lock},
    {R"(mail system is already running)", environment, "already-running", "postfix -c {config} status", Missing::lock},
    {R"(Read-only file system)", environment, "read-only", "findmnt -T {queue}", Missing::mount},
    {R"(Too many open files)", environment, "too-many-open-files", "ulimit -n; cat /proc/sys/fs/file-nr"},
    {R"(fork: (?:Resource temporarily unavailable|Cannot allocate memory))",
     environment, "no-process", "ulimit -u; cat /proc/sys/kernel/pid_max"},
    {R"(Insufficient memory|Cannot allocate memory|out of memory)", environment, "no-memory", "free -m"},
    {R"(reserved for the superuser|use of this command is reserved)",
     environment, "not-root", "systemctl show -p User postmultid"},

    // ---- master.cf
    {R"(^(\S+): Servname not supported for ai_socktype)", config, "no-such-service", "getent services; postconf -c {config} -M"},
    {R"(missing 'postlog' service in master\.cf)",
     config, "no-postlog-service", "postfix -c {config} upgrade-configuration"},
    {R"(^(/\S+/master\.cf):)", config, "bad-master.cf", "postconf -c {config} -M"},

    // ---- main.cf
    {R"(^(/\S+/main\.cf):)", config, "bad-main.cf", "postconf -c {config} -n"},
    {R"(^bad (?:numerical|boolean|[a-z-]+) configuration: ([A-Za-z0-9_.-]+) =)", config, "bad-parameter", kShow,
     Missing::nothing, true},
    {R"(^invalid ([A-Za-z0-9_.-]+) parameter value)", config, "bad-parameter", kShow, Missing::nothing, true},
    {R"(^bad string length \d+ [<>] \d+: ([A-Za-z0-9_.-]+) =)", config, "bad-parameter", kShow, Missing::nothing, true},
    {R"(^unknown ([A-Za-z0-9_.-]+) value )", config, "bad-parameter", kShow, Missing::nothing, true},
    {R"(^(maillog_file) value )", config, "bad-parameter", "postconf -c {config} maillog_file maillog_file_prefixes",
     Missing::nothing, true},
    {R"(parameter ([A-Za-z0-9_.-]+): unknown user name)", config, "no-such-user", kShow, Missing::nothing, true},
    {R"(parameter ([A-Za-z0-9_.-]+): unknown group name)", config, "no-such-group", kShow, Missing::nothing, true},
    {R"(parameter ([A-Za-z0-9_.-]+): )", config, "bad-parameter", kShow, Missing::nothing, true},
    {R"(malformed (?:compatibility level))", config, "bad-parameter", "postconf -c {config} compatibility_level"},
    {R"(macro processing error|truncated macro reference|unreasonable macro call nesting)",
     config, "bad-macro", "postconf -c {config} -xn"},
    {R"(in parameter (\S+).*specify at least one)", config, "no-relay-restriction", kShow, Missing::nothing, true},

    // ---- files and directories
    {R"(^chdir[ (](/[^\s:)]+)\)?: No such file or directory)", config, "no-such-directory", "ls -ld {1}"},
    {R"(^open lock file (\S+): cannot create file exclusively: No such file)", config, "no-such-directory", kCheck},
    {R"(^open lock file (\S+): cannot create file exclusively: Permission denied)", config, "wrong-owner", kPermissions},
    {R"(^bind: ((?:public|private)/\S+): No such file or directory)", config, "no-such-directory", kCheck},
    {R"(open directory (\S+): No such file or directory)", config, "no-such-directory", kCheck},
    {R"(exec (/\S+): No such file or directory)", config, "no-such-program", "ls -l {1}"},
    {R"(unsupported dictionary type: (\w+))", config, "no-such-map-type", "postconf -m"},
    {R"(open database (/\S+?)(?:\.\w+)?: No such file or directory)", config, "no-such-map", "postmap {1}"},
    {R"((?:error opening chain file: |cannot get \w+ (?:certificate|private key) from file "?)(/[^\s":]+))",
     config, "bad-tls-file", "ls -l {1}"},
    {R"(no SASL authentication mechanisms)", config, "no-sasl", "postconf -c {config} smtpd_sasl_type smtpd_sasl_path"},
    {R"(Permission denied)", config, "not-permitted", kPermissions},

    // ---- a program that ends as soon as it is started; its own words say why
    {R"(^(/\S+): bad command startup -- throttling)", crash, "program-fails", "ls -l {1}"},
};
// clang-format on

struct Compiled {
  const Entry* entry;
  std::regex pattern;
};

const std::vector<Compiled>& compiled() {
  static const std::vector<Compiled> all = [] {
    std::vector<Compiled> list;
    for (const Entry& entry : kTable) list.push_back({&entry, std::regex(entry.pattern, std::regex::optimize)});
    return list;
  }();
  return all;
}

std::string with_subject(std::string hint, const std::string& subject) {
  std::size_t at = hint.find("{1}");
  if (at == std::string::npos) return hint;
  // It is to be pasted into a shell, and others have a say in it.
  bool plain = subject.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") ==
               std::string::npos;
  return plain && !subject.empty() ? hint.replace(at, 3, subject) : "";
}

}  // namespace

std::optional<KnownFatal> recognize(const std::string& message) {
  std::string text = message.substr(0, kLongest);
  for (const auto& [entry, pattern] : compiled()) {
    std::smatch match;
    if (!std::regex_search(text, match, pattern)) continue;
    std::string subject = match.size() > 1 ? match[1].str() : "";
    return KnownFatal{entry->kind,
                      entry->code,
                      entry->missing,
                      subject,
                      entry->parameter && !subject.empty(),
                      with_subject(entry->hint, subject)};
  }
  return std::nullopt;
}

}  // namespace postmultid::postfix
