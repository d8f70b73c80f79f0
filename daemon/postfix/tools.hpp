// Where Postfix's programs are and how they are run: a clean environment, a terminal where reasons are wanted, and
// always a limit. `postmulti` and a bare `postfix` are never used: one broken sibling makes them fail for all
// (docs/postfix-facts.md, "postmulti").
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "host/children.hpp"
#include "model/error.hpp"

namespace postmultid::postfix {

namespace asio = boost::asio;

/// A list of words. (GCC 12 cannot compile a braced list of strings inside a co_await expression.)
template <typename... Words>
std::vector<std::string> words(Words&&... each) {
  std::vector<std::string> list;
  (list.emplace_back(std::forward<Words>(each)), ...);
  return list;
}

class Tools {
 public:
  /// `lookers`: threads for what no work waits for (looks, logs, copies), so that a disk that hangs under it stops none.
  Tools(host::Children& children, asio::thread_pool& pool, asio::thread_pool& lookers)
      : children_(children), pool_(pool), lookers_(lookers) {}

  /// The postconf in `directory`, or if that is empty on PATH, or in /usr/sbin where PATH is a user's; its absolute path
  /// is used from then on.
  model::Result<void> find_postconf(const std::string& directory);

  /// postconf's output, or its own words of complaint. Ends within 10 s.
  asio::awaitable<model::Result<std::string>> postconf(std::vector<std::string> arguments);

  /// postconf with its warnings, however it ended. Ends within 10 s.
  asio::awaitable<model::Result<host::Ended>> run_postconf(std::vector<std::string> arguments);

  /// Any other program. No limit but the caller's cancellation.
  asio::awaitable<model::Result<host::Ended>> run(std::vector<std::string> argv,
                                                  std::vector<std::string> more_environment = {},
                                                  host::Settle settle = {});

  /// The same, with its output apart from its complaints, as who reads that output needs it.
  asio::awaitable<model::Result<host::Ended>> run_aside(std::vector<std::string> argv);

  /// The absolute path of one of Postfix's commands, which is where postconf is.
  std::string program(const std::string& name) const;

  asio::thread_pool& pool() { return pool_; }
  asio::thread_pool& lookers() { return lookers_; }

 private:
  host::Children& children_;
  asio::thread_pool& pool_;
  asio::thread_pool& lookers_;
  std::string postconf_;
};

/// Postfix's programs wait until main.cf is so old, lest they read one that is being edited; one that was put there whole is
/// nobody's to wait for, least of all a client's who comes after a reload (docs/postfix-facts.md, "Reload").
inline constexpr std::chrono::seconds kNobodyWaits{2};

/// What Postfix's programs may know of our environment: a fixed PATH and the few names that import_environment lets
/// through, never MAIL_CONFIG (with it, `postfix` and postconf would mean another instance).
std::vector<std::string> environment();

/// The last line of what a program has said that is not empty.
std::string last_line(const std::string& output);

/// The line that says why, out of what a Postfix program printed: without the program's name in front, and with
/// "file F: line N: text" as "F:N: text", quoting the line where it is a master.cf's. Reads that file.
std::string reason_in(const std::string& output);

}  // namespace postmultid::postfix
