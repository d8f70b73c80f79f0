// The verbs of pmctl. Each returns the exit status; what went wrong was said on standard error.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "model/operation.hpp"
#include "model/words.hpp"

namespace postmultid::ctl {

enum class Format { table, wide, json, columns };

/// What every verb may be told.
struct Options {
  std::string socket = "/run/postmultid/control.sock";
  Format format = Format::table;
  std::vector<std::string> columns;
  model::Selection selection;  // empty: everything, where that makes sense
  bool wait = true;
  std::chrono::milliseconds timeout{std::chrono::minutes(10)};

  bool selects() const { return !selection.names.empty() || !selection.group.empty() || selection.all; }
};

Exit status(const Options& options);
Exit list(const Options& options);
Exit operate(const Options& options, model::Action action);
Exit version(const Options& options);

/// Says it on standard error.
Exit complain(const Trouble& trouble);

}  // namespace postmultid::ctl
