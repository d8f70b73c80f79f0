// From the tree to the values of definition.hpp. Here each value is looked at by itself, whatever else there is, so
// that the files of conf.d can be decoded each for itself too; what must fit together is in check.hpp.
#pragma once

#include "definitions/complaint.hpp"
#include "definitions/reader.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

Definition decode(const Node& root, Complaints& complaints);

/// `supervise`, wherever it stands.
Supervise decode_supervise(const Node& node, Complaints& complaints);

Companion decode_companion(const Node& node, Complaints& complaints);

/// The keys that say what an instance's own files are to say: `main.cf`, `master.cf`, `remove` and `maps`.
Configuration decode_configuration(Reader& reader, Complaints& complaints);

/// A block in Postfix's own syntax as it is, or a map as such text (postfix_text.hpp has what both are made of).
PostfixText decode_main_cf(const Node& node, Complaints& complaints);
PostfixText decode_master_cf(const Node& node, Complaints& complaints);

std::vector<Map> decode_maps(const Node& node, Complaints& complaints);

}  // namespace postmultid::definitions
