// Carries out a plan. First all files are put in their places, each instance's after a look whether they are still what the plan
// was made of; then one after the other reloads, restarts or starts. Where one fails, its files are put back and what runs is let
// read them again; whose turn had not come has its old files, too.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/operation.hpp"
#include "model/plan.hpp"
#include "postfix/versions.hpp"
#include "runtime/planner.hpp"

namespace postmultid::runtime {

/// What the shell does for it.
struct Hands {
  std::function<asio::awaitable<model::Result<void>>()> reread;
  std::function<asio::awaitable<model::Result<std::vector<postfix::Listed>>>()> listed;
  /// To its end.
  std::function<asio::awaitable<model::Result<void>>(model::MemberId, model::Action)> operate;
  std::function<model::MemberId(const std::string& config_directory)> id_of;
  std::function<void(const model::MemberId&, std::string what, std::string message)> tell;
};

class Applier {
 public:
  Applier(postfix::Tools& tools, std::string state_directory, Hands hands)
      : tools_(tools), directory_(std::move(state_directory)), hands_(std::move(hands)) {}

  asio::awaitable<model::Application> apply(Work work);

 private:
  enum class Stage { untouched, placed, in_effect, failed };
  struct Undertaking {
    Target target;
    Stage stage = Stage::untouched;
    bool made = false;  // the instance is there because of us
    std::vector<postfix::TableBefore> tables;
    std::string message;
  };
  using Undertakings = std::vector<Undertaking>;

  asio::awaitable<bool> place_all(Undertakings& all, std::string order);
  asio::awaitable<bool> take_effect_all(Undertakings& all);
  asio::awaitable<void> take_back_placed(Undertakings& all);
  asio::awaitable<model::Result<void>> place(Undertaking& one);
  asio::awaitable<model::Result<void>> make(Undertaking& one);
  asio::awaitable<model::Result<void>> unmake(std::string config_directory);
  asio::awaitable<model::Result<void>> reorder(std::string order);
  asio::awaitable<model::Result<void>> take_effect(Undertaking& one);
  asio::awaitable<void> fail(Undertaking& one, std::string reason, bool was_told);
  asio::awaitable<std::string> take_back(Undertaking& one);
  asio::awaitable<void> note_left(const Undertakings& all);

  postfix::Tools& tools_;
  std::string directory_;
  Hands hands_;
  std::vector<postfix::Listed> present_;  // read when the first instance is to be made; then kept up
  std::string plan_, order_written_, trouble_;
};

/// What an apply that was cut off has left undone, in words; empty: none was. Blocks.
std::string cut_short(const std::string& state_directory);

}  // namespace postmultid::runtime
