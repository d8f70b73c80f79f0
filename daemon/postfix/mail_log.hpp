// What an instance has logged: its maillog_file, else the journal, else the host's mail log.
#pragma once

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

/// Whether the log says that somebody asked this master to end: its own word on a SIGTERM, or that of `postfix stop` or
/// `postfix abort`, with no start after it.
bool tells_of_a_stop(const std::vector<std::string>& lines, const std::string& syslog_name, pid_t master);

}  // namespace postmultid::postfix
