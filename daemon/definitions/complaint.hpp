// What is wrong in a definition, and where: a reader of the files sees all complaints at once, as from a compiler.
#pragma once

#include <string>
#include <vector>

#include "definitions/definition.hpp"

namespace postmultid::definitions {

struct Complaint {
  Place place;  // line 0: it is about the whole file
  std::string message;
};

using Complaints = std::vector<Complaint>;

/// One line each, with line breaks between them: FILE:LINE:COLUMN: message, or FILE: message.
std::string describe(const Complaints& complaints);

/// The text as UTF-8 whatever it was, short enough and without line breaks, so that a message stays one line.
std::string one_line(const std::string& text);
/// The same between quotation marks.
std::string in_quotes(const std::string& text);

/// Of a line of Postfix's own files; the rest of it may be a password.
std::string first_word(const std::string& line);

/// "; did you mean "x"?" if one of the candidates is near to what was typed, else nothing. Nothing too when there is a
/// crowd of complaints already: that is another kind of file, and the search takes its time.
std::string did_you_mean(const std::vector<std::string>& candidates, const std::string& typed,
                         const Complaints& complaints);

}  // namespace postmultid::definitions
