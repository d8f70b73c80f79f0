#include "postfix/exporter.hpp"

#include <doctest/doctest.h>

#include "definitions/load.hpp"

using namespace postmultid;

TEST_CASE("a text that is written as a block is read as the same text") {
  for (const char* text : {"a = b\n", "# x: y\na = \"b\" # c\n", "  begins with blanks\nb\n", "\n\nafter empty lines\n",
                           "a\n\n  b\n\tc\n", "ends with empty lines\n\n\n", "- x\n", "---\n", "...\n", "%TAG\n",
                           "trailing blank \n", "\ttab\n", "{a: b}\n", "|\n"}) {
    auto read = definitions::load_text("f", "version: 1\nprimary:\n  maps:\n    m:\n      text: " +
                                                postfix::yaml_block(text, 8) + "      type: pcre\n");
    REQUIRE_MESSAGE(read, text, (read ? "" : definitions::describe(read.error())));
    CHECK(read->primary->configuration.maps.at(0).text->text == text);
  }
}
