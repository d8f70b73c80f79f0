// An ordinary failure: what was attempted, on what, and errno's or Postfix's own words. Where a function of this
// project can fail in a way its caller has to live with, it returns std::expected<T, Error>.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace postmultid::model {

struct Error {
  std::string message;
  int number = 0;  // errno, 0 where there was none

  /// The same failure seen from one level up: "starting postfix-out: open /x: No such file or directory".
  Error within(const std::string& attempt) const { return {attempt + ": " + message, number}; }
};

/// The failure of a system call; reads errno, so call it first.
inline Error system_error(const std::string& attempt, int number = errno) {
  return {attempt + ": " + std::generic_category().message(number), number};
}

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string message) { return std::unexpected(Error{std::move(message), 0}); }

}  // namespace postmultid::model
