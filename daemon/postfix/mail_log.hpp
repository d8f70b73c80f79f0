// What an instance has logged: its maillog_file, else the journal, else the host's mail log.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// The youngest `count` lines, oldest first. Blocks on the disk.
model::Result<std::vector<std::string>> last_lines(const Instance& instance, std::size_t count);

/// Whether a log tag is this instance's: "postfix-out/smtpd", and "postfix-out" itself.
bool is_tag_of(std::string_view tag, std::string_view syslog_name);

/// One line's words: "… postfix-out/smtpd[42]: message". What a stranger got into the message comes after the first "]: ".
struct Spoken {
  pid_t pid = 0;
  std::string_view tag, message;  // "postfix-out/smtpd"; views of the line
};

/// Nothing for a line of somebody else's.
std::optional<Spoken> spoken_in(std::string_view line, std::string_view syslog_name);

/// The files in which a host's syslog may keep the mail log.
const std::vector<std::string>& host_logs();

/// Whether the log says that somebody asked a master to end: the word of `postfix stop` or `postfix abort`, or, where it is
/// known who that master was, its own on a SIGTERM; with no start after it.
bool tells_of_a_stop(const std::vector<std::string>& lines, const std::string& syslog_name,
                     std::optional<pid_t> master);

}  // namespace postmultid::postfix
