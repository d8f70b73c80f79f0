// What the output may use: colour, UTF-8, width.
#pragma once

#include <string>

namespace postmultid::ctl {

enum class Tone { plain, good, warning, bad, faint };

struct Terminal {
  bool colour = false;
  bool utf8 = false;
  bool live = false;  // a line can be written over

  /// Colour only for a terminal that wants it (NO_COLOR, TERM=dumb); UTF-8 by the locale.
  static Terminal of_standard_output();

  std::string paint(Tone tone, const std::string& text) const;
};

}  // namespace postmultid::ctl
