// What must fit together in a whole definition, after all files are one.
#pragma once

#include "definitions/complaint.hpp"

namespace postmultid::definitions {

void check(const Definition& definition, Complaints& complaints);

}  // namespace postmultid::definitions
