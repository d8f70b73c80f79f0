// What a definition says in Postfix's own syntax, and values that become such text.
#pragma once

#include <optional>
#include <string>

#include "definitions/complaint.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

/// A text whose line breaks count, as it is. `key` names it in messages. Complains of what YAML has made one line of, and
/// of control characters.
PostfixText text_of(const Node& node, const std::string& key, Complaints& complaints);

/// The value of a parameter, on one line: a text, or a list whose entries are joined by ", ". Nothing if it is wrong.
std::optional<std::string> value_of(const Node& node, const std::string& parameter, Complaints& complaints);

/// One line of text that was written at `place`.
void add_line(PostfixText& text, const std::string& line, const Place& place);

/// Complains where the first line that is no comment begins with white space: it would go on with whatever comes before.
void refuse_continuation_at_the_top(const PostfixText& text, Complaints& complaints);

}  // namespace postmultid::definitions
