// The definition of this host: its main file and the files of conf.d beside it, read, laid over each other, checked.
//
// First each file is looked at by itself, so that a mistake is found even where a later file overrides it; then what
// they are together. All complaints of the first kind come at once, then all of the second.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

/// Reads `main_file`, then conf.d/*.yaml in its directory in the byte order of their names (hidden files are left out).
/// None of them has to be there: without any, Definition::files is empty and so is everything else.
std::expected<Definition, Complaints> load(const std::string& main_file);

/// A file that was read already.
struct Source {
  std::string file, text;
  bool main = false;  // must have a version
};

std::expected<Definition, Complaints> load_sources(const std::vector<Source>& sources);

/// One text as if it were the main file, alone.
std::expected<Definition, Complaints> load_text(const std::string& file, const std::string& text);

}  // namespace postmultid::definitions
