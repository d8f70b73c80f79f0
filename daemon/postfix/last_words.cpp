#include "postfix/last_words.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "host/journal.hpp"
#include "postfix/identity.hpp"
#include "postfix/known_fatals.hpp"
#include "postfix/mail_log.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;
using model::Missing;

namespace {

using Lines = std::vector<std::string>;

// What one attempt writes is little; what a busy instance writes meanwhile is not.
constexpr std::size_t kMostBytes = 256 * 1024;
constexpr std::size_t kMostJournalLines = 200;
// What people read.
constexpr std::size_t kMostWords = 6;
constexpr std::size_t kLongestLine = 400;
constexpr std::uintmax_t kLargestMainCf = 1024 * 1024;

bool is_fatal(std::string_view message) {
  // The parent's word on its child's end: the child has said why.
  if (message.find("daemon initialization failure") != std::string_view::npos) return false;
  return message.starts_with("fatal: ") || message.starts_with("panic: ") || message.starts_with("error: ");
}

/// Every program warns of this, whatever happens.
bool is_warning(std::string_view message) {
  return message.starts_with("warning: ") && message.find("overriding earlier entry") == std::string_view::npos;
}

/// As it can be shown on a terminal.
std::string shortened(std::string line) {
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  if (line.size() > kLongestLine) line = line.substr(0, kLongestLine) + "…";
  return line;
}

/// "FILE:LINE: " where main.cf sets this parameter, the last time that it does; empty if it does not.
std::string place_of(const Instance& instance, const std::string& parameter) {
  std::string path = instance.config_directory + "/main.cf";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || std::filesystem::file_size(path, error) > kLargestMainCf)
    return "";
  std::ifstream file(path);
  int number = 0, found = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.substr(0, line.find_first_of(" \t=")) == parameter) found = number;
  }
  return found ? path + ":" + std::to_string(found) + ": " : "";
}

void fill_in(std::string& text, const char* what, const std::string& with) {
  for (std::size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, std::string(what).size(), with);
}

/// The lock's holder, to wait for its end.
void name_holder(const Instance& instance, const std::string& file, Fault& fault) {
  std::string path = file.starts_with('/') ? file : instance.queue_directory + "/" + file;
  if (!fault.hint.empty()) fault.hint = "fuser -v " + path;
  fault.holder = lock_holder(path);
  if (fault.holder) fault.message += "; held by " + process_text(fault.holder);
}

}  // namespace

host::LogMark mark_log(const Instance& instance) {
  host::LogMark mark{std::chrono::system_clock::now(), {}};
  if (!instance.maillog_file.empty()) mark.files.push_back(host::end_of(instance.maillog_file));
  for (const std::string& path : host_logs()) mark.files.push_back(host::end_of(path));
  return mark;
}

std::vector<std::string> last_words(const Instance& instance, const host::LogMark& since, pid_t speaker) {
  Lines lines;
  auto of_us = [&](std::string_view tag) { return is_tag_of(tag, instance.syslog_name); };
  auto journal = host::journal_tail(of_us, kMostJournalLines, since.at);
  if (journal) lines = std::move(*journal);
  for (const host::FilePlace& place : since.files) {
    // What the journal has a syslog mostly has written to its files again.
    if (journal && place.path != instance.maillog_file) continue;
    for (std::string& line : host::lines_since(place, kMostBytes)) lines.push_back(std::move(line));
  }
  return complaints(lines, instance.syslog_name, speaker);
}

std::vector<std::string> complaints(const Lines& lines, std::string_view syslog_name, pid_t speaker) {
  std::vector<std::size_t> chosen;
  auto choose = [&](auto wanted) {
    for (std::size_t i = lines.size(); i-- > 0 && chosen.size() < kMostWords;) {
      auto spoken = spoken_in(lines[i], syslog_name);
      if (spoken && (!speaker || spoken->pid == speaker) && wanted(spoken->message)) chosen.push_back(i);
    }
  };
  choose(is_fatal);
  choose(is_warning);
  std::sort(chosen.begin(), chosen.end());
  Lines words;
  for (std::size_t i : chosen)
    if (std::string word = shortened(lines[i]); words.empty() || words.back() != word) words.push_back(std::move(word));
  return words;
}

bool tell_of_an_end(const Lines& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& line) {
    return line.find(": fatal: ") != std::string::npos || line.find(": panic: ") != std::string::npos;
  });
}

Fault explained_by(const Instance& instance, Fault fault, const std::string& reason) {
  if (fault.missing != Missing::nothing || reason.empty()) return fault;
  auto known = recognize(reason);
  std::string before = fault.message.empty() ? "" : fault.message + ": ";
  if (!known) {
    fault.message = before + reason;
    return fault;
  }
  // A program that always fails is what the fault is about; it says more of why.
  bool only_adds = known->kind == FailureClass::crash;
  fault.kind = known->kind;
  fault.code = known->code;
  fault.missing = known->missing;
  fault.message = (only_adds ? before : "") + (known->parameter ? place_of(instance, known->subject) : "") + reason;
  fault.hint = known->hint;
  fill_in(fault.hint, "{config}", instance.config_directory);
  fill_in(fault.hint, "{queue}", instance.queue_directory);
  if (fault.missing == Missing::lock && !known->subject.empty()) name_holder(instance, known->subject, fault);
  std::error_code error;
  bool no_program = only_adds && !std::filesystem::exists(known->subject, error);
  if (no_program) {
    fault.kind = FailureClass::config;
    fault.code = "no-such-program";
    fault.message = known->subject + " does not exist, and master.cf or daemon_directory asks for it";
  }
  return fault;
}

Fault explained(const Instance& instance, Fault fault, std::vector<std::string> words) {
  // What ends a program explains more than what it complains about, and words that are known more than others.
  std::string best;
  int best_rank = 0;
  for (const std::string& line : words) {
    auto spoken = spoken_in(line, instance.syslog_name);
    if (!spoken) continue;
    bool fatal = is_fatal(spoken->message), error = spoken->message.starts_with("error: ");
    bool throttled = spoken->message.find("bad command startup") != std::string_view::npos;
    // What a master said of a child, perhaps long ago, is why a start failed, but not why it died itself.
    if (!fatal && (!throttled || fault.message.empty())) continue;
    std::string reason = fatal ? reason_in(line) : std::string(spoken->message.substr(sizeof("warning:")));
    int rank = (fatal && !error ? 2 : 0) + (recognize(reason) ? 2 : 1);
    if (rank <= best_rank) continue;
    best = std::move(reason);
    best_rank = rank;
  }
  fault = explained_by(instance, std::move(fault), best);
  fault.log = std::move(words);
  return fault;
}

}  // namespace postmultid::postfix
