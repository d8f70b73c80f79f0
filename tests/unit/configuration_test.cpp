// What a definition says of Postfix's own files: blocks, maps, places, and what is laid over what.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "definitions/load.hpp"
#include "definitions/logical_lines.hpp"
#include "definitions/spelling.hpp"

using namespace postmultid::definitions;

namespace {

std::string contents(const std::string& sample) {
  std::ostringstream text;
  text << std::ifstream(DEFINITION_SAMPLES "/" + sample).rdbuf();
  return text.str();
}

Definition loaded(const std::vector<std::string>& texts) {
  std::vector<Source> sources;
  for (const std::string& text : texts)
    sources.push_back({std::string(1, "abcdef"[sources.size()]), text, sources.empty()});
  auto definition = load_sources(sources);
  INFO((definition ? "" : describe(definition.error())));
  REQUIRE(definition);
  return *definition;
}

Definition sample(const std::string& name) { return loaded({contents(name)}); }

std::string complaints(const std::string& text) {
  auto definition = load_text("f", text);
  return definition ? "fine" : describe(definition.error());
}

/// The places of a text's lines, as LINE:COLUMN or FILE:LINE:COLUMN.
std::vector<std::string> places(const PostfixText& text) {
  std::vector<std::string> all;
  for (const Place& place : text.lines) all.push_back(place.text());
  return all;
}

std::vector<std::string> texts(const std::vector<Name>& names) {
  std::vector<std::string> all;
  for (const Name& name : names) all.push_back(name.text);
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a block and a map that mean the same are the same text") {
  Configuration block = sample("good/as-a-block.yaml").primary->configuration;
  Configuration map = sample("good/as-a-map.yaml").primary->configuration;
  CHECK(block.main_cf.text == map.main_cf.text);
  CHECK(block.master_cf.text == map.master_cf.text);
  CHECK(map.main_cf.lines.at(0).text() == "a:5:5");
  CHECK(map.main_cf.lines.at(8).text() == "a:17:5");  // behind lists and long values
  CHECK(map.master_cf.lines.at(1).text() == "a:25:5");
}

TEST_CASE("every line of a block knows the line and the column where its text begins") {
  Definition border = sample("good/border-blocks.yaml");
  const Configuration& out = border.instances.at(0).configuration;
  CHECK(out.main_cf.text ==
        "# The output side.\n"
        "inet_interfaces = loopback-only\n"
        "relay_domains = example.com,\n"
        "\n"
        "    .example.com  # no comment: Postfix takes this for text\n"
        "# A comment between.\n"
        "    example.net\n"
        "smtp-slow_destination_rate_delay = 1s\n");
  CHECK(places(out.main_cf) == Texts{"a:24:5", "a:25:5", "a:26:5", "a:27:1", "a:28:5", "a:29:5", "a:30:5", "a:31:5"});
  CHECK(out.master_cf.lines.at(1).text() == "a:34:5");
  CHECK(border.instances.at(1).configuration.main_cf.text == "default_transport = smtp:[127.0.0.1]:10025\n");
  CHECK(places(border.instances.at(2).configuration.master_cf) == Texts{"a:57:14"});
}

TEST_CASE("the places are right whatever the block's indentation, its head and its line ends") {
  auto of = [](const std::string& block) {
    return places(loaded({"version: 1\r\nprimary:\r\n  main.cf: " + block}).primary->configuration.main_cf);
  };
  CHECK(of("|\r\n          a = 1\r\n\r\n            2\r\n") == Texts{"a:4:11", "a:5:1", "a:6:11"});
  CHECK(of("|  # mine\n    a = 1\n") == Texts{"a:4:5"});
  CHECK(of("|4\n      a = 1\n      b = 2") == Texts{"a:4:7", "a:5:7"});
  CHECK(of("|+\n    a = 1\n\n\n") == Texts{"a:4:5", "a:5:1", "a:6:1"});
  CHECK(of("\n    |\n\n\n    a = 1\n") == Texts{"a:5:1", "a:6:1", "a:7:5"});
  CHECK(of("|\n   \n    # c\n    a = \xc3\xa4\n") == Texts{"a:4:4", "a:5:5", "a:6:5"});
  CHECK(of("\"a = 1\\nb = 2\\n\"\n") == Texts{"a:3:12", "a:3:12"});
  CHECK(of("a = 1\n") == Texts{"a:3:12"});
  CHECK(of("\"\"\n") == Texts{});
}

TEST_CASE("maps, directories and enabled are as they are written") {
  const Definition border = sample("good/border-blocks.yaml");
  const Instance &in = border.instances.at(1), &out = border.instances.at(0);
  CHECK(in.enabled == false);
  CHECK_FALSE(out.enabled);
  CHECK(in.directories.queue.text == "/srv/mail/postfix-in/queue");
  CHECK(in.directories.queue.place.text() == "a:39:59");
  CHECK(out.directories.config.text == "");
  CHECK(texts(out.configuration.remove_main_cf) == Texts{"smtpd_banner"});
  CHECK(texts(out.configuration.remove_master_cf) == Texts{"smtp/inet"});
  const std::vector<Map>& maps = in.configuration.maps;
  REQUIRE(maps.size() == 5);
  CHECK(maps[0].type.text == "lmdb");
  CHECK(maps[0].text->text == "example.net smtp:[192.0.2.1]\n");
  CHECK(maps[1].file.text == "/srv/mail/access");
  CHECK_FALSE(maps[1].text);
  CHECK(maps[2].from == Texts{"/usr/local/bin/secrets", "--for", "postfix in"});
  CHECK(maps[2].from_place.line == 46);
  CHECK(maps[2].secret);
  CHECK(maps[3].text->empty());
  CHECK(places(*maps[4].text) == Texts{"a:51:9", "a:52:9", "a:53:9"});
  CHECK_FALSE(maps[4].secret);
}

TEST_CASE("defaults are beneath what an instance says") {
  const Definition border = sample("good/border-blocks.yaml");
  CHECK(border.configuration_of(*border.primary).main_cf.text ==
        "mydestination =\nlocal_transport = error:5.1.1 Mailbox unavailable\n"
        "master_service_disable = inet\nrelayhost = [mailhub.example.com]\n");
  CHECK(border.configuration_of(border.instances.at(2)).main_cf.lines.size() == 2);
}

TEST_CASE("of Postfix's own files a later one says more, parameter by parameter, block or map") {
  Definition definition =
      loaded({"version: 1\ninstances:\n- name: postfix-x\n  main.cf: |\n    a = 1\n    b = 2\n",
              "instances:\n- name: postfix-x\n  main.cf:\n    b: 3\n  master.cf:\n    x/unix: {command: y}\n",
              "instances:\n- name: postfix-x\n  main.cf: |\n    c = 4\n- name: postfix-y\n  main.cf: d = 5\n"});
  const Configuration& x = definition.instances.at(0).configuration;
  CHECK(x.main_cf.text == "a = 1\nb = 2\nb = 3\nc = 4\n");
  CHECK(places(x.main_cf) == Texts{"a:5:5", "a:6:5", "b:4:5", "c:4:5"});
  CHECK(x.master_cf.text == "x unix - - - - - y\n");
  CHECK(definition.instances.at(1).configuration.main_cf.text == "d = 5\n");
}

TEST_CASE("a later file that sets what an earlier one removes wins, and the reverse") {
  Definition definition =
      loaded({"version: 1\nprimary:\n"
              "  main.cf: |\n    # of a\n    a = 1,\n    # within\n      2\n    # of b\n    b = 2\n"
              "  master.cf: |\n    smtp inet n - n - - smtpd\n      -o a=b\n    qmqp inet n - n - - qmqpd\n"
              "  remove: {main.cf: [c, d], master.cf: [x/unix]}\n",
              "primary:\n  remove: {main.cf: [a], master.cf: [smtp/inet]}\n  main.cf: c = 3\n"
              "  master.cf: x unix - - - - - y\n"});
  const Configuration& both = definition.primary->configuration;
  CHECK(both.main_cf.text == "# of a\n# of b\nb = 2\nc = 3\n");
  CHECK(places(both.main_cf) == Texts{"a:4:5", "a:8:5", "a:9:5", "b:3:12"});
  CHECK(texts(both.remove_main_cf) == Texts{"d", "a"});
  CHECK(both.master_cf.text == "qmqp inet n - n - - qmqpd\nx unix - - - - - y\n");
  CHECK(texts(both.remove_master_cf) == Texts{"smtp/inet"});
}

TEST_CASE("an instance may remove what the defaults set, and set what they remove") {
  Definition definition =
      loaded({"version: 1\ndefaults: {main.cf: soft_bounce = yes, remove: {main.cf: [relayhost]}}\n"
              "instances:\n- name: postfix-x\n  main.cf: relayhost = y\n  remove: {main.cf: [soft_bounce]}\n"});
  Configuration x = definition.configuration_of(definition.instances.at(0));
  CHECK(x.main_cf.text == "relayhost = y\n");
  CHECK(texts(x.remove_main_cf) == Texts{"soft_bounce"});
}

TEST_CASE("a map is replaced as a whole by one of its name") {
  Definition definition = loaded({"version: 1\nprimary: {maps: {a: {type: lmdb, text: x y}, b: {file: /b}}}\n",
                                  "primary: {maps: {a: {file: /a}}}\n"});
  const std::vector<Map>& maps = definition.primary->configuration.maps;
  REQUIRE(maps.size() == 2);
  CHECK(maps[0].name.text == "b");
  CHECK(maps[1].name.text == "a");
  CHECK(maps[1].file.text == "/a");
  CHECK(maps[1].type.text == "");
  CHECK_FALSE(maps[1].text);
}

TEST_CASE("directories and enabled merge like all else, key by key") {
  Definition definition =
      loaded({"version: 1\ninstances: [{name: postfix-x, enabled: yes, directories: {queue: /q, data: /d}}]\n",
              "instances: [{name: postfix-x, enabled: no, directories: {queue: /r}}]\n"});
  CHECK(definition.instances.at(0).enabled == false);
  CHECK(definition.instances.at(0).directories.queue.text == "/r");
  CHECK(definition.instances.at(0).directories.data.text == "/d");
}

TEST_CASE("a mistake in a block is found where it is, also in a later file and twice in one block") {
  CHECK(
      complaints("version: 1\nprimary:\n  main.cf: |\n    a\n    b = 1\n\n     c\n    = d\n    queue_directory=x\n") ==
      "f:4:5: main.cf: \"a\" has no \"=\"; write parameter = value\n"
      "f:8:5: main.cf: there is no name before the \"=\"\n"
      "f:9:5: main.cf: queue_directory is not set or removed here: an instance has directories: { queue: PATH }; the "
      "primary's stays where it is");
  auto refused = load_sources({{"a", "version: 1\n", true}, {"b", "primary: {main.cf: \"x\\ny = z\"}\n", false}});
  REQUIRE_FALSE(refused);
  CHECK(describe(refused.error()) == "b:1:20: main.cf: \"x\" has no \"=\"; write parameter = value");
}

TEST_CASE("a large definition is read in linear time") {
  std::string map = "version: 1\nprimary:\n  maps:\n    virtual: |\n",
              line = "      user@example.com mailbox@example.net\n";
  for (int i = 0; i < 20'000; ++i) map += line;
  CHECK(loaded({map}).primary->configuration.maps.at(0).text->lines.size() == 20'000);
  std::string main_cf = "version: 1\nprimary:\n  remove: {main.cf: [x]}\n  main.cf:\n";
  for (int i = 0; i < 20'000; ++i) main_cf += "    parameter_" + std::to_string(i) + ": value\n";
  CHECK(
      loaded({main_cf, "primary: {remove: {main.cf: [parameter_7]}}\n"}).primary->configuration.main_cf.lines.size() ==
      19'999);
}

TEST_CASE("what was probably meant is said only where it is known") {
  CHECK(remedy("    relayhost: [x]:25", "end of map not found") == "quote a text that begins with \"[\"");
  CHECK(remedy("  - *x", "") == "quote a text that begins with \"*\"");
  CHECK(remedy("", "") == "");
  CHECK(remedy("a:", "illegal map value") ==
        "a line before this has no \": \" between key and value, or this one is "
        "indented too far");
  CHECK(remedy("\ta: b", "") == "indent by blanks, not by tabs");
  CHECK(remedy("a: b", "end of map not found") == "");
}

TEST_CASE("a line of master.cf is of a service") {
  CHECK(service_of({"smtp inet n - n", 0, 1}) == "smtp/inet");
  CHECK_FALSE(service_of({"smtp", 0, 1}));
}
