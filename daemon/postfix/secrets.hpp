// What plans and drift show of values that are nobody's business.
#pragma once

#include <string>

namespace postmultid::postfix {

/// The value, or asterisks where it is, or has in it, what looks like a password.
std::string shown_value(const std::string& parameter, const std::string& value);

/// A line of master.cf without its columns, the secrets of its options masked.
std::string shown_service(const std::string& line);

/// What Postfix's programs say of such lines, which they quote; each line of it.
std::string shown_complaint(const std::string& words);

}  // namespace postmultid::postfix
