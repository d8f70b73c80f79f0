#include "definitions/logical_lines.hpp"

#include <doctest/doctest.h>

using namespace postmultid::definitions;

TEST_CASE("a line that begins with white space goes on with the one before, over comments and empty lines") {
  auto lines = logical_lines("# head\na = 1,\n# between\n\n  2\n\tand 3\nb=4\n");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].text == "a = 1, 2 and 3");
  CHECK(lines[0].first == 1);
  CHECK(lines[0].behind == 6);
  CHECK(lines[1].text == "b=4");
}

TEST_CASE("a setting is a name and all behind the first equals sign") {
  auto settings = settings_of("a=\n b = c = d\nnone\nrelayhost =\n  [x]:25  \n");
  REQUIRE(settings.size() == 2);
  CHECK(settings[0].name == "a");
  CHECK(settings[0].value == "b = c = d");  // the second line goes on with the first
  CHECK(settings[1].value == "[x]:25");
}

TEST_CASE("a first line that begins with white space begins a line of its own") {
  auto settings = settings_of("  a = 1\n");
  REQUIRE(settings.size() == 1);
  CHECK(settings[0].name == "a");
}
