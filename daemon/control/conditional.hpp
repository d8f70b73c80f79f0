// Conditional requests (RFC 9110, 13): a client that has the body already is told so, 304, and gets nothing.
#pragma once

#include <string_view>

#include "control/message.hpp"
#include "control/rendering.hpp"

namespace postmultid::control {

/// Whether one of the tags in If-None-Match is this one, by the weak comparison; "*" is any.
bool matches(std::string_view if_none_match, std::string_view tag);

/// The body, or 304.
Response answer_unless_known(const Request& request, const Body& body);

}  // namespace postmultid::control
