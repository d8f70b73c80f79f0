// How the files become one: what is read later wins. Maps are laid over each other key by key; the entries of
// `groups`, `instances` and `companions` belong together by their name; every other list is replaced as a whole, since
// half of a command or of a start order means nothing. What is said of Postfix's files (main.cf, master.cf, remove) is kept
// of all files, the later on top (Node::beneath), since Postfix itself takes what comes last; of `maps` each is replaced whole.
#pragma once

#include "definitions/complaint.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

/// Lays `later`, the root of the file number `layer`, over what was read before. Both without duplicate names.
void merge(Node& root, Node later, int layer);

/// Complains of a name that is declared twice in one file: across files that is a merge, in one file a slip.
void refuse_duplicates(const Node& root, Complaints& complaints);

}  // namespace postmultid::definitions
