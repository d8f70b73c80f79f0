// How the files become one: what is read later wins. Maps are laid over each other key by key; the entries of
// `groups`, `instances` and `companions` belong together by their name; every other list is replaced as a whole, since
// half of a command or of a start order means nothing.
//
// What is said of Postfix's own files is laid over each other as values: of main.cf the file that comes later wins
// parameter by parameter, whether either has it as a block, in a map or in `remove`.
#pragma once

#include "definitions/complaint.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

/// Lays `later`, the root of a file, over what was read before, all but Postfix's own files. Both without duplicate names.
void merge(Node& root, Node later);

/// Lays what `file`, the definition of one file, says of Postfix's own files over what those before it say. `whole` has the
/// instances of all.
void lay_over(Definition& whole, const Definition& file);

/// Complains of a name that is declared twice in one file: across files that is a merge, in one file a slip.
void refuse_duplicates(const Node& root, Complaints& complaints);

}  // namespace postmultid::definitions
