// What a single text of a definition may mean. Each function reads one text, or says what is wrong with it.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "definitions/definition.hpp"

namespace postmultid::definitions {

template <typename T>
using Read = std::expected<T, std::string>;

Read<std::string> any_text(const std::string& text);
Read<std::string> filled_text(const std::string& text);
Read<std::string> absolute_path(const std::string& text);
/// yes, no, true or false; YAML's further spellings are refused.
Read<bool> yes_or_no(const std::string& text);
/// Decimal, without leading zeros: YAML readers do not agree on what 010 is.
Read<unsigned> whole_number(const std::string& text, unsigned least, unsigned most);
/// A whole number and a unit: 250ms, 10s, 5m, 1h; at most 365 days.
Read<Duration> duration(const std::string& text);
Read<Duration> duration_above_zero(const std::string& text);
Read<RetryFailed> duration_or_never(const std::string& text);
/// A whole number and a unit, M, G or T, of 1024 times 1024 bytes and so on; infinity: the largest number there is.
Read<std::uint64_t> memory_limit(const std::string& text);
/// A whole number above 0, or infinity.
Read<std::uint64_t> task_limit(const std::string& text);
/// tcp://HOST:PORT or unix:///PATH.
Read<Endpoint> endpoint(const std::string& text);
/// 127.0.0.1:PORT or [::1]:PORT: nobody but this host can reach it.
Read<Endpoint> loopback(const std::string& text);
/// The name of a user, or "@" and that of a group.
Read<std::string> account(const std::string& text);
/// SIGTERM or TERM, to 15. Not what no process can catch.
Read<int> signal_to_stop_by(const std::string& text);

/// multi_instance_name, or a configuration directory.
Read<std::string> instance_name(const std::string& text);
Read<std::string> group_name(const std::string& text);
Read<std::string> companion_name(const std::string& text);
/// A unit of systemd's that can be active as mail needs it: a service, a socket or a target, no template.
Read<std::string> unit_name(const std::string& text);
/// Either an instance's name or a companion's.
Read<std::string> member_name(const std::string& text);
bool is_instance_name(const std::string& text);
Read<std::string> environment_name(const std::string& text);

/// A parameter of main.cf. Not one that a definition says elsewhere (`enabled`, `directories`, `groups`).
Read<std::string> parameter_name(const std::string& text);
/// A service of master.cf, as "smtp/inet".
Read<std::string> service_name(const std::string& text);
/// The source of a lookup table, a plain name of a file that Postfix does not use for something else.
Read<std::string> map_name(const std::string& text);
Read<std::string> map_type(const std::string& text);
/// An absolute path in its shortest spelling.
Read<std::string> directory_path(const std::string& text);
/// The same, as Postfix can have it for an instance.
Read<std::string> private_directory(const std::string& text);
/// Fields of master.cf: "y", "n" or "-"; seconds with or without "?", or "-"; a number or "-".
Read<std::string> master_flag(const std::string& text);
Read<std::string> master_wakeup(const std::string& text);
Read<std::string> master_limit(const std::string& text);

/// Reads one of a few words.
template <typename T>
auto one_of(std::vector<std::pair<std::string, T>> words) {
  return [words = std::move(words)](const std::string& text) -> Read<T> {
    std::string all;
    for (const auto& [word, value] : words) {
      if (word == text) return value;
      all += (all.empty() ? "" : ", ") + word;
    }
    return std::unexpected("must be one of " + all);
  };
}

}  // namespace postmultid::definitions
