#include "definitions/values.hpp"

#include <string.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <limits>

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

namespace {

using namespace std::chrono_literals;
constexpr Duration kLongest = 365 * 24h;
constexpr std::uint64_t kMebibyte = 1 << 20, kMostMemory = std::uint64_t{1} << 50;
// What Linux can count.
constexpr unsigned kMostTasks = 4'194'304;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// The digits that `text` begins with, taken off it; nothing if there are none, a leading zero, or too many.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || (digits > 1 && text.front() == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

std::optional<Duration> unit(std::string_view text) {
  if (text == "ms") return 1ms;
  if (text == "s") return 1s;
  if (text == "m") return 1min;
  if (text == "h") return 1h;
  return std::nullopt;
}

}  // namespace

Read<std::string> any_text(const std::string& text) { return text; }

Read<std::string> filled_text(const std::string& text) {
  if (text.empty()) return std::unexpected("must not be empty");
  return text;
}

Read<std::string> absolute_path(const std::string& text) {
  if (!text.starts_with('/')) return std::unexpected(in_quotes(text) + " must be an absolute path");
  return text;
}

Read<std::string> account(const std::string& text) {
  std::string name = text.starts_with('@') ? text.substr(1) : text;
  auto odd = [](unsigned char c) { return c <= ' ' || c == 127 || c == ':' || c == ',' || c == '/' || c == '@'; };
  if (name.empty() || std::any_of(name.begin(), name.end(), odd))
    return std::unexpected(in_quotes(text) + " is no user's name, and no @GROUP");
  return text;
}

Read<bool> yes_or_no(const std::string& text) {
  if (text == "yes" || text == "true") return true;
  if (text == "no" || text == "false") return false;
  return std::unexpected("must be yes or no");
}

Read<unsigned> whole_number(const std::string& text, unsigned least, unsigned most) {
  std::string_view rest = text;
  auto number = take_number(rest);
  if (number && rest.empty() && *number >= least && *number <= most) return static_cast<unsigned>(*number);
  return std::unexpected("must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

Read<Duration> duration(const std::string& text) {
  std::string_view rest = text;
  auto number = take_number(rest);
  auto one = unit(rest);
  if (!number || !one)
    return std::unexpected(in_quotes(text) + " is no duration; write a whole number and a unit: 250ms, 10s, 5m, 1h");
  if (*number > static_cast<std::uint64_t>(kLongest / *one)) return std::unexpected("must be at most 8760h (365 days)");
  return *one * static_cast<Duration::rep>(*number);
}

Read<Duration> duration_above_zero(const std::string& text) {
  auto read = duration(text);
  if (read && *read == Duration::zero()) return std::unexpected("must be more than 0");
  return read;
}

Read<RetryFailed> duration_or_never(const std::string& text) {
  if (text == "never") return RetryFailed{};
  auto after = duration_above_zero(text);
  if (!after) return std::unexpected(after.error());
  return RetryFailed{*after};
}

Read<std::uint64_t> memory_limit(const std::string& text) {
  if (text == "infinity") return kNoLimit;
  std::string_view rest = text;
  auto number = take_number(rest);
  std::uint64_t one = rest == "M" ? kMebibyte : rest == "G" ? kMebibyte << 10 : rest == "T" ? kMebibyte << 20 : 0;
  if (!number || *number == 0 || !one)
    return std::unexpected(in_quotes(text) +
                           " is no amount of memory; write a whole number and a unit, 512M, 2G, 1T, or "
                           "infinity");
  if (*number > kMostMemory / one) return std::unexpected("must be at most 1024T, or infinity");
  return *number * one;
}

Read<std::uint64_t> task_limit(const std::string& text) {
  if (text == "infinity") return kNoLimit;
  auto number = whole_number(text, 1, kMostTasks);
  if (!number) return std::unexpected(number.error() + ", or infinity");
  return *number;
}

Read<int> signal_to_stop_by(const std::string& text) {
  std::string_view name = text;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < NSIG; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (!known || name != known) continue;
    if (number == SIGKILL || number == SIGSTOP) return std::unexpected("no process can catch SIG" + std::string(name));
    return number;
  }
  return std::unexpected(in_quotes(text) + " is no signal; write its name, such as SIGTERM");
}

Read<std::string> environment_name(const std::string& text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (text.empty() || !letter(text.front()) || !std::all_of(text.begin(), text.end(), fits))
    return std::unexpected(in_quotes(text) + " is no name of an environment variable");
  if (text == "MAIL_CONFIG") return std::unexpected("MAIL_CONFIG would make every Postfix command act on one instance");
  return text;
}

}  // namespace postmultid::definitions
