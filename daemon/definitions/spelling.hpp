// What was probably meant where a text is no YAML. The parser's own words ("end of map not found") help nobody who has
// pasted `relayhost: [mail.example.com]:587`.
#pragma once

#include <string>

namespace postmultid::definitions {

/// A remedy, or nothing. `line` is what the parser stopped in; `said` are its words.
std::string remedy(const std::string& line, const std::string& said);

}  // namespace postmultid::definitions
