// An instance's main.cf and master.cf as a definition wants them, tried on a private copy: Postfix's own postconf reads what
// is wanted, edits the copy as it would edit the files, and reads it back. So a plan shows what an edit really makes, and
// there is no second idea of what Postfix's syntax means.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "definitions/definition.hpp"
#include "host/temporary_directory.hpp"
#include "postfix/tools.hpp"

namespace postmultid::postfix {

struct Files {
  std::string main_cf, master_cf;  // their texts

  bool operator==(const Files&) const = default;
};

struct Wanted {
  definitions::Configuration configuration;
  /// Parameters that have keys of their own in a definition: multi_instance_enable, multi_instance_group, …; nothing takes the
  /// parameter away.
  std::vector<std::pair<std::string, std::optional<std::string>>> own;
  /// What an earlier definition has set and this one does not mention: it is taken away.
  std::vector<std::string> forgotten_settings, forgotten_services;
};

/// One parameter, or one service ("smtp/inet", as a line of master.cf).
struct Difference {
  std::string name;
  std::optional<std::string> before, after;  // nothing: it is not there
};

struct Draft {
  Files before, after;
  std::vector<Difference> settings, services;
  std::vector<std::string> warnings;  // FILE:LINE:COLUMN: text, or Postfix's own words

  bool changed() const { return before != after; }
};

/// A private configuration directory with these files, old enough not to be waited for. Blocks.
model::Result<host::TemporaryDirectory> directory_with(const Files& files);

/// Fails with the place in the definition, where it is the definition's fault. What is as wanted already is left as it is,
/// to the byte.
asio::awaitable<model::Result<Draft>> draft(Tools& tools, Files files, Wanted wanted);

/// The difference between two versions of the files, by what is written: what a way back changes.
Draft difference(Files before, Files after);

/// main.cf and master.cf as a new instance gets them (main.cf.proto and master.cf.proto of that primary).
asio::awaitable<model::Result<Files>> files_of_new_instance(Tools& tools, std::string primary);

/// The names of what is set, for the memory of what was.
std::vector<std::string> names_set(const definitions::PostfixText& main_cf);

}  // namespace postmultid::postfix
