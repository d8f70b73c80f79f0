// What an instance's log says about its failure: the last words of its programs since a mark that was noted before, so
// that old words are never blamed for a new failure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/log_mark.hpp"
#include "model/fault.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// Where its logs end now: its maillog_file, and the host's mail logs, which a master that cannot start writes to in any
/// case (docs/postfix-facts.md, "Logging"). Blocks on the disk.
host::LogMark mark_log(const Instance& instance);

/// The lines since then in which it complains, oldest first, few and short: of the fatal ones the last, and then of the
/// warnings. `speaker`: those of this process only (0: of all its programs). Blocks on the disk.
std::vector<std::string> last_words(const Instance& instance, const host::LogMark& since, pid_t speaker);

/// That choice. `syslog_name`: whose lines.
std::vector<std::string> complaints(const std::vector<std::string>& lines, std::string_view syslog_name, pid_t speaker);

/// Whether one of them is fatal: then there is nothing more to wait for.
bool tell_of_an_end(const std::vector<std::string>& words);

/// The fault with what these words say of it: where they are known their class, code and remedy count, else Postfix's own
/// words are added to the message. What is missing around the host was seen, and is left as it is. Reads main.cf,
/// master.cf and /proc.
model::Fault explained(const Instance& instance, model::Fault fault, std::vector<std::string> words);

/// The same for a reason without a log, as a program has told it (see reason_in()).
model::Fault explained_by(const Instance& instance, model::Fault fault, const std::string& reason);

}  // namespace postmultid::postfix
