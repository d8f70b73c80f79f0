// What Postfix would do without a word, and nobody wants: instances that are in each other's way. Seen from the definition
// alone, so without a host; what is not written in it is not known here.
#pragma once

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

/// Each at the place of the later of the two that do not go together.
Complaints lint(const Definition& definition);

}  // namespace postmultid::definitions
