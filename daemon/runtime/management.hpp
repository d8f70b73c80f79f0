// Whether this host is ours to run, over restarts and boots, and the way there and back: a takeover and a handback, step
// by step. Masters notice neither.
//
// Each step can be done again, so what a crash has cut short is gone on with, or undone, by the next call. What was there
// before is written down before it is changed. From the first step of a takeover to the last of a handback we manage:
// whatever happens between them, after a boot there is mail.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/management.hpp"
#include "model/problem.hpp"
#include "model/status.hpp"
#include "model/words.hpp"
#include "postfix/facade.hpp"
#include "postfix/wrapper.hpp"

namespace postmultid::runtime {

namespace asio = boost::asio;

class Management {
 public:
  template <typename T>
  using Answer = std::expected<T, model::Problem>;

  struct Settings {
    std::string file;                     // the record
    std::string pmctl;                    // what others are to run: an absolute path
    bool observe_until_takeover = false;  // else we manage whatever is recorded
  };

  /// Reads the record: blocks, at start only.
  Management(postfix::Tools& tools, Settings settings);

  model::Mode mode() const { return mode_; }

  /// What somebody should know about it; `wrapper` is what main.cf says now, its parameters expanded.
  std::vector<std::string> problems(const std::string& wrapper) const;

  /// Says whether it is so now; where all is being stopped it is not.
  using ChangeMode = std::function<bool(model::Mode)>;
  /// Who there is, just now.
  using Members = std::function<std::vector<model::Member>()>;

  /// `change_mode` is called when it is time. A dry run changes nothing.
  asio::awaitable<Answer<std::vector<model::ManagementStep>>> carry_out(model::ManagementChange wanted, bool dry_run,
                                                                        ChangeMode change_mode, Members members);

 private:
  struct Record {
    bool manage = false;
    bool settled = true;                     // nothing was cut short
    std::optional<postfix::Wrapper> before;  // what our wrapper has replaced; nothing: ours is not there
  };
  using Step = model::ManagementStep;
  using Steps = std::vector<Step>;

  void read();
  asio::awaitable<model::Result<void>> keep(Record record);
  asio::awaitable<model::Result<void>> systemctl(std::vector<std::string> arguments);
  asio::awaitable<model::Result<void>> facade(bool ours, Members members);
  asio::awaitable<model::Result<Step>> wrap(bool ours, bool dry_run);

  asio::awaitable<model::Result<void>> take_over(bool dry_run, ChangeMode change_mode, Steps& steps);
  asio::awaitable<model::Result<void>> hand_back(bool dry_run, ChangeMode change_mode, Members members, Steps& steps);

  postfix::Tools& tools_;
  Settings settings_;
  postfix::Facade facade_;
  Record record_;
  model::Mode mode_ = model::Mode::manage;
  bool busy_ = false;
  std::string trouble_;  // why the record is not understood
};

}  // namespace postmultid::runtime
