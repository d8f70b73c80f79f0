// From the tree to the values of definition.hpp. Here each value is looked at by itself, whatever else there is, so
// that the files of conf.d can be decoded each for itself too; what must fit together is in check.hpp.
#pragma once

#include "definitions/complaint.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

Definition decode(const Node& root, Complaints& complaints);

/// `supervise`, wherever it stands.
Supervise decode_supervise(const Node& node, Complaints& complaints);

/// main.cf, master.cf, remove and maps of the map that `reader` reads.
class Reader;
Configuration decode_configuration(Reader& reader, Complaints& complaints);

Companion decode_companion(const Node& node, Complaints& complaints);

}  // namespace postmultid::definitions
