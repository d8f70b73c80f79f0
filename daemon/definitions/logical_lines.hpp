// How main.cf, master.cf and the sources of lookup tables are made of lines: a line that begins with white space goes on
// with the one before; empty lines and comments mean nothing, not even the end of a line that goes on (postconf(5), "main.cf
// file format"). What the text of such a line means is left to postconf; only where an edit has to begin and end is asked here.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace postmultid::definitions {

struct LogicalLine {
  std::string text;           // its pieces, trimmed, with one blank between them
  std::size_t first, behind;  // its physical lines, counted from 0; comments within belong to it
};

std::vector<LogicalLine> logical_lines(const std::string& text);

/// The physical lines, without their ends.
std::vector<std::string> physical_lines(const std::string& text);

/// One line of a main.cf.
struct Setting {
  std::string name, value;
  std::size_t first, behind;  // as above
};

/// A logical line as "name = value"; nothing if it is none.
std::optional<Setting> setting_of(const LogicalLine& line);

/// The service that a logical line of a master.cf is of, as "smtp/inet"; nothing if it is too short to be one.
std::optional<std::string> service_of(const LogicalLine& line);

/// All of a main.cf, in its order; where a name comes twice the last one counts. Lines that are no setting are left out.
std::vector<Setting> settings_of(const std::string& main_cf);

}  // namespace postmultid::definitions
