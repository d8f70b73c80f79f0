#include "output/terminal.hpp"

#include <fmt/color.h>
#include <langinfo.h>
#include <locale.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace postmultid::ctl {

Terminal Terminal::of_standard_output() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* type = std::getenv("TERM");
  Terminal terminal;
  terminal.live = ::isatty(STDOUT_FILENO) && type && std::string_view(type) != "dumb";
  terminal.colour = terminal.live && !(no_colour && *no_colour);
  terminal.utf8 = ::setlocale(LC_CTYPE, "") && std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  return terminal;
}

std::string Terminal::paint(Tone tone, const std::string& text) const {
  if (!colour) return text;
  switch (tone) {
    case Tone::good: return fmt::format(fmt::fg(fmt::terminal_color::green), "{}", text);
    case Tone::warning: return fmt::format(fmt::fg(fmt::terminal_color::yellow), "{}", text);
    case Tone::bad: return fmt::format(fmt::fg(fmt::terminal_color::red) | fmt::emphasis::bold, "{}", text);
    case Tone::faint: return fmt::format(fmt::emphasis::faint, "{}", text);
    case Tone::plain: return text;
  }
  return text;
}

}  // namespace postmultid::ctl
