// A host as a definition: what Postfix's own files say that a new instance's would not, in blocks, with comments, so that it
// applies to this host with no change, and makes the same instances on another one.
#pragma once

#include <string>
#include <vector>

#include "postfix/inventory.hpp"

namespace postmultid::postfix {

/// The YAML text of a definition of these instances, the primary first. Fails, naming the instance or the file and line, where
/// something cannot be read or written so.
asio::awaitable<model::Result<std::string>> export_definition(Tools& tools, std::vector<Listed> listed);

/// A text as the lines of a YAML block under a key: "|" with its lines, `indent` blanks before each.
std::string yaml_block(const std::string& text, std::size_t indent);

}  // namespace postmultid::postfix
