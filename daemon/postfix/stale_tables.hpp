// Lookup tables that somebody has to make again: their sources have changed since postmap did, or it never did.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "postfix/draft.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

/// The tables that these files name and that postmap makes of a source ("hash:/etc/postfix/virtual"), each once. A path with
/// a $name in it that neither main.cf nor the instance tells is left out.
std::vector<std::string> tables_named(const Files& files, const Instance& instance);

/// Those of them whose source is there, and newer than what was made of it, or nothing was made. Whoever has just written a source
/// is given the time that Postfix gives (docs/postfix-facts.md, "Tables"). Blocks.
std::vector<std::string> stale_tables(const std::vector<std::string>& tables,
                                      std::chrono::system_clock::time_point now);

}  // namespace postmultid::postfix
