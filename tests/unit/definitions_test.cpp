#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "definitions/lint.hpp"
#include "definitions/load.hpp"
#include "definitions/text.hpp"

using namespace postmultid::definitions;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// The files of tests/definitions/KIND, in order.
std::vector<fs::path> samples(const std::string& kind) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(DEFINITION_SAMPLES "/" + kind)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// All complaints about a text, or "fine".
std::string complaints(const std::string& text) {
  auto definition = load_text("f", text);
  return definition ? "fine" : describe(definition.error()) + "\n";
}

bool one_complains(const Complaints& all, const std::string& position, const std::string& piece) {
  return std::any_of(all.begin(), all.end(), [&](const Complaint& complaint) {
    std::string at = std::to_string(complaint.place.line) + ":" + std::to_string(complaint.place.column);
    bool there = position.empty() ? complaint.place.line == 0 : at == position;
    return there && complaint.message.find(piece) != std::string::npos;
  });
}

/// A directory of files for one test.
class Directory {
 public:
  Directory() { fs::create_directories(path_ / "conf.d"); }
  ~Directory() { fs::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  std::string file(const std::string& name) const { return path_ / name; }
  std::string main() const { return file("postmultid.yaml"); }

  Definition loaded() const {
    auto definition = load(main());
    INFO((definition ? "" : describe(definition.error())));
    REQUIRE(definition);
    return *definition;
  }
  std::string refused() const {
    auto definition = load(main());
    return definition ? "fine" : describe(definition.error()) + "\n";
  }

 private:
  std::string template_ = "/tmp/definitions-test.XXXXXX";
  fs::path path_ = ::mkdtemp(template_.data());
};

std::vector<std::string> texts(const std::vector<Name>& names) {
  std::vector<std::string> all;
  for (const Name& name : names) all.push_back(name.text);
  return all;
}

}  // namespace

TEST_CASE("each good sample loads without a complaint") {
  REQUIRE(samples("good").size() >= 8);
  for (const fs::path& file : samples("good")) {
    auto definition = load_text(file, contents(file));
    CHECK_MESSAGE(definition.has_value(), (definition ? "" : describe(definition.error())));
  }
}

TEST_CASE("each bad sample is refused at the place and with the words of its first line") {
  REQUIRE(samples("bad").size() >= 50);
  for (const fs::path& file : samples("bad")) {
    // "# LINE:COLUMN: PIECE" or "# LINE:COLUMN schema: PIECE"; no position: about the whole file.
    std::string text = contents(file), first = text.substr(0, text.find('\n'));
    std::size_t separator = first.find(": ");
    REQUIRE_MESSAGE((first.starts_with("#") && separator != std::string::npos), file.string());
    std::string position = first.substr(1, separator - 1), piece = first.substr(separator + 2);
    if (std::size_t schema = position.find("schema"); schema != std::string::npos) position.erase(schema);
    std::erase(position, ' ');
    auto definition = load_text(file, text);
    REQUIRE_MESSAGE(!definition, file.string());
    CHECK_MESSAGE(one_complains(definition.error(), position, piece), first << "\n" << describe(definition.error()));
    for (const Complaint& complaint : definition.error()) {
      CHECK(complaint.place.file == file);
      CHECK(complaint.message.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("a bad sample is bad in one way only") {
  for (const fs::path& file : samples("bad")) {
    if (file.filename() == "alias-known.yaml") continue;  // that has an anchor, too
    auto definition = load_text(file, contents(file));
    REQUIRE(!definition);
    CHECK_MESSAGE(definition.error().size() == 1, describe(definition.error()));
  }
}

TEST_CASE("all that is written is in the definition") {
  Definition border = *load_text("f", contents(DEFINITION_SAMPLES "/good/border.yaml"));
  CHECK(border.files == std::vector<std::string>{"f"});
  REQUIRE(border.groups.size() == 2);
  CHECK(border.groups[0].name.text == "mta");
  CHECK(border.groups[0].name.place.text() == "f:4:9");
  CHECK(texts(border.groups[0].members) == std::vector<std::string>{"postfix-out", "filter", "postfix-in"});
  CHECK(border.groups[0].members[1].place.text() == "f:5:26");
  CHECK(border.groups[0].required);
  CHECK_FALSE(border.groups[0].parallel);
  CHECK(border.groups[1].parallel);
  CHECK(border.groups[1].supervise.restart == Restart::always);
  CHECK(border.defaults.restart == Restart::on_failure);
  CHECK(border.defaults.start_timeout == 120s);
  REQUIRE(border.primary);
  CHECK(border.primary->name.text == "-");
  CHECK(border.primary->reload_on == std::vector<std::string>{"/etc/ssl/private/mail.pem"});
  REQUIRE(border.instances.size() == 2);
  CHECK(border.instances[0].supervise.stop_grace == 0s);
  CHECK(border.instances[0].reload_on.size() == 1);
  CHECK(border.daemon.postfix_commands == "/usr/sbin");
  CHECK(border.daemon.log_level == "notice");
}

TEST_CASE("a companion can be a unit, or only be awaited; a later file may add to it but not make it both") {
  Definition definition = *load_text("f", contents(DEFINITION_SAMPLES "/good/companions-of-others.yaml"));
  CHECK(definition.companions.at(0).unit.text == "spampd.service");
  CHECK(definition.companions.at(0).command.empty());
  CHECK(definition.companions.at(4).unit.text.empty());
  CHECK(definition.companions.at(4).ready->text() == "tcp://192.0.2.1:10025");

  std::string first =
      "version: 1\ngroups: [{name: mta, members: [filter]}]\ncompanions: [{name: filter, unit: filter.service}]\n";
  CHECK(load_sources({{"a", first, true}, {"b", "companions: [{name: filter, ready: tcp://127.0.0.1:25}]\n", false}}));
  auto both = load_sources({{"a", first, true}, {"b", "companions: [{name: filter, command: [/bin/x]}]\n", false}});
  REQUIRE_FALSE(both);
  CHECK(describe(both.error()).find("a:3:35: companion \"filter\" has a command, too") == 0);
}

TEST_CASE("a companion has all that is written of it, and quiet defaults for the rest") {
  Definition definition = *load_text("f", contents(DEFINITION_SAMPLES "/good/companion.yaml"));
  const Companion& full = definition.companions.at(0);
  CHECK(full.command == std::vector<std::string>{"/usr/sbin/greylist", "", "two words", "ünïcödé", "25"});
  CHECK(full.user == "nobody");
  CHECK(full.group == "65534");
  CHECK(full.environment.at("PORT") == "25");
  CHECK(full.environment.at("_EMPTY") == "");
  CHECK(full.environment.at("DEBUG") == "yes");
  CHECK(full.directory == "/var/lib/greylist");
  CHECK(full.ready->text() == "unix:///run/greylist/socket");
  CHECK(full.stop_signal == SIGINT);
  CHECK(definition.companions.at(1).ready->text() == "tcp://[::1]:65535");
  CHECK(definition.companions.at(1).ready->host == "::1");
  CHECK(definition.companions.at(1).stop_signal == SIGHUP);
  CHECK(definition.companions.at(2).ready->text() == "tcp://192.0.2.1:1");
  const Companion& plain = definition.companions.at(3);
  CHECK(plain.user == "");
  CHECK(plain.directory == "/");
  CHECK_FALSE(plain.ready);
  CHECK(plain.stop_signal == SIGTERM);
}

TEST_CASE("durations mean what their units say, and never is none") {
  Definition definition = *load_text("f", contents(DEFINITION_SAMPLES "/good/supervise.yaml"));
  const Supervise& edges = definition.defaults;
  CHECK(edges.restart == Restart::never);
  CHECK(edges.restart_delay == 0s);
  CHECK(edges.start_limit_interval == 1ms);
  REQUIRE(edges.retry_failed);
  CHECK_FALSE(edges.retry_failed->after);
  for (auto longest : {edges.restart_delay_max, edges.start_timeout, edges.stop_timeout, edges.stop_grace})
    CHECK(longest == 365 * 24h);
  CHECK(definition.primary->supervise.retry_failed->after == 1h);
  CHECK(definition.primary->supervise.start_limit == 1000);
  CHECK(edges.memory_max == std::uint64_t{1} << 50);
  CHECK(edges.tasks_max == 4194304);
  CHECK(edges.cpu_weight == 10000);
  CHECK(definition.primary->supervise.memory_max == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("what is not written is absent, and what is nearer counts") {
  Supervise member{.restart = Restart::never}, group{.restart = Restart::always, .start_limit = 3};
  Supervise defaults{.start_limit = 9, .retry_failed = RetryFailed{}, .stop_grace = 1s};
  Supervise together = member.over(group).over(defaults);
  CHECK(together.restart == Restart::never);
  CHECK(together.start_limit == 3);
  CHECK(together.stop_grace == 1s);
  CHECK_FALSE(together.retry_failed->after);
  CHECK_FALSE(together.stop_timeout);
}

TEST_CASE("all complaints come at once, in the order of the file, one a line") {
  CHECK(complaints("version: 1\ndefaults: {supervise: {restart: x, stop_grace: y, z: 1, start_limit: 0}}\n") ==
        "f:2:33: restart: must be one of on-failure, always, never\n"
        "f:2:48: stop_grace: \"y\" is no duration; write a whole number and a unit: 250ms, 10s, 5m, 1h\n"
        "f:2:51: unknown key \"z\" in supervise; there are restart, on_unhealthy, on_upgrade, restart_delay, "
        "restart_delay_max, "
        "stable_after, "
        "start_limit, start_limit_interval, retry_failed, start_timeout, stop_timeout, stop_grace, orphan_grace, "
        "memory_max, "
        "tasks_max, cpu_weight\n"
        "f:2:70: start_limit: must be a whole number from 1 to 1000\n");
  CHECK(complaints("a: &x 1\nb: !t 2\na: ~\n") ==
        "f:1:4: an anchor (&name); write the value itself\n"
        "f:2:4: a tag; quote a text that begins with \"!\"\n"
        "f:3:1: \"a\" has no value; write \"\" for an empty text\n"
        "f:3:1: \"a\" is there twice; the first is in line 1\n");
}

TEST_CASE("columns are counted in bytes") {
  CHECK(complaints("version: 1\ndaemon: {log_level: \"äöü\", x: 1}\n").find("f:2:31: unknown key \"x\"") !=
        std::string::npos);
}

TEST_CASE("what is no text at all is refused before the parser sees it") {
  CHECK(complaints("") == "f: empty; it needs at least \"version: 1\"\n");
  CHECK(complaints("\xef\xbb\xbfversion: 1\n") ==
        "f:1:1: begins with a byte order mark; save it as UTF-8 without one\n");
  CHECK(complaints("version: 1\n" + std::string(kLargestFile, '#')) == "f: larger than 8 MiB\n");
  CHECK(complaints("version: 1\n" + std::string(kLargestFile - 11, '#')) == "fine");
  for (const char* wrong : {"\x80", "\xc1\x81", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xe2\x82", "\xff"})
    CHECK(complaints("# " + std::string(wrong) + "\nversion: 1\n") == "f:1:3: not UTF-8\n");
  for (const char* right :
       {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(complaints("# " + std::string(right) + "\nversion: 1\n") == "fine");
}

TEST_CASE("a long or broken name is quoted short and on one line") {
  CHECK(complaints("version: 1\n" + std::string(500, 'x') + ": 1\n").size() < 300);
  CHECK(complaints("\"\\ä\"\n") == "f:1:4: not YAML: unknown escape character: ?\n");
  CHECK(complaints("version: 1\n\"a\\nb\": 1\n").find("unknown key \"a b\"") != std::string::npos);
}

TEST_CASE("without any file there is an empty definition that says so") {
  Directory directory;
  CHECK(directory.loaded().files.empty());
  CHECK(load("/nonexistent/postmultid.yaml")->files.empty());
}

TEST_CASE("conf.d is read after the main file, in byte order, hidden files and others left out") {
  Directory directory;
  directory.write("postmultid.yaml", "version: 1\ndaemon: {log_level: error}\n");
  directory.write("conf.d/b.yaml", "daemon: {log_level: info}\n");
  directory.write("conf.d/a.yaml", "daemon: {log_level: debug}\n");
  directory.write("conf.d/B.yaml", "daemon: {log_level: notice}\n");
  directory.write("conf.d/.c.yaml", "daemon: {log_level: warning}\n");
  directory.write("conf.d/d.yaml~", "broken\n");
  Definition definition = directory.loaded();
  CHECK(definition.daemon.log_level == "info");
  CHECK(definition.files == std::vector<std::string>{directory.main(), directory.file("conf.d/B.yaml"),
                                                     directory.file("conf.d/a.yaml"), directory.file("conf.d/b.yaml")});
}

TEST_CASE("conf.d needs neither a main file nor a version, but it must not be another version") {
  Directory directory;
  directory.write("conf.d/a.yaml", "primary: {}\n");
  CHECK(directory.loaded().primary);
  directory.write("conf.d/a.yaml", "version: 2\n");
  CHECK(directory.refused().find("a.yaml:1:10: version: \"2\" is not known here") != std::string::npos);
}

TEST_CASE("maps merge key by key; named entries by their name; other lists are replaced") {
  Directory directory;
  directory.write("postmultid.yaml",
                  "version: 1\n"
                  "groups:\n"
                  "- {name: mta, members: [postfix-out, filter], supervise: {restart: never, start_limit: 2}}\n"
                  "- {name: mda, members: [postfix-lists]}\n"
                  "companions:\n"
                  "- {name: filter, command: [/bin/filter, -v], environment: {A: a, B: b}}\n");
  directory.write("conf.d/site.yaml",
                  "groups:\n"
                  "- {name: extra, members: [postfix-extra]}\n"
                  "- {name: mta, members: [filter, postfix-in], supervise: {start_limit: 3}}\n"
                  "companions:\n"
                  "- {name: filter, command: [/bin/other], environment: {B: bb, C: c}, user: nobody}\n");
  Definition definition = directory.loaded();
  REQUIRE(definition.groups.size() == 3);
  CHECK(definition.groups[0].name.text == "mta");
  CHECK(texts(definition.groups[0].members) == std::vector<std::string>{"filter", "postfix-in"});
  CHECK(definition.groups[0].members[0].place.text() == directory.file("conf.d/site.yaml") + ":3:25");
  CHECK(definition.groups[0].supervise.restart == Restart::never);
  CHECK(definition.groups[0].supervise.start_limit == 3);
  CHECK(definition.groups[1].name.text == "mda");
  CHECK(definition.groups[2].name.text == "extra");
  REQUIRE(definition.companions.size() == 1);
  CHECK(definition.companions[0].command == std::vector<std::string>{"/bin/other"});
  CHECK(definition.companions[0].environment ==
        std::map<std::string, std::string>{{"A", "a"}, {"B", "bb"}, {"C", "c"}});
  CHECK(definition.companions[0].user == "nobody");
}

TEST_CASE("a mistake is found where a later file overrides it, too, and in several files at once") {
  Directory directory;
  directory.write("postmultid.yaml", "version: 1\ndaemon: {log_level: wrong}\n");
  directory.write("conf.d/a.yaml", "daemon: {log_level: info}\n");
  directory.write("conf.d/b.yaml", "daemon: [\n");
  CHECK(directory.refused().find("postmultid.yaml:2:21: log_level: must be one of") != std::string::npos);
  CHECK(directory.refused().find("b.yaml:2:1: not YAML") != std::string::npos);
}

TEST_CASE("what only the files together make wrong is refused at the place that won") {
  Directory directory;
  directory.write("postmultid.yaml", "version: 1\ndefaults: {supervise: {restart_delay_max: 10s}}\n");
  directory.write("conf.d/a.yaml", "defaults: {supervise: {restart_delay: 20s}}\n");
  CHECK(directory.refused() ==
        directory.file("conf.d/a.yaml") + ":1:39: restart_delay is longer than restart_delay_max\n");
  directory.write("conf.d/a.yaml", "groups: [{name: a, members: [postfix-x]}]\n");
  directory.write("conf.d/b.yaml", "groups: [{name: b, members: [postfix-x]}]\n");
  CHECK(directory.refused() == directory.file("conf.d/b.yaml") + ":1:30: \"postfix-x\" is in two groups; first at " +
                                   directory.file("conf.d/a.yaml") + ":1:30\n");
}

TEST_CASE("a fragment may leave out what another file says") {
  Directory directory;
  directory.write("postmultid.yaml", "version: 1\ngroups: [{name: mta, members: [filter]}]\n");
  directory.write("conf.d/a.yaml", "companions: [{name: filter, command: [/bin/filter]}]\n");
  directory.write("conf.d/b.yaml",
                  "companions: [{name: filter, user: nobody}]\ngroups: [{name: mta, parallel: yes}]\n");
  Definition definition = directory.loaded();
  CHECK(definition.companions.at(0).user == "nobody");
  CHECK(definition.groups.at(0).parallel);
}

TEST_CASE("a file that cannot be read is a complaint with the system's words") {
  Directory directory;
  fs::create_directory(directory.main());
  CHECK(directory.refused() == directory.main() + ": is not a regular file\n");
  fs::remove(directory.main());
  fs::create_symlink("nowhere", directory.main());
  CHECK(directory.refused() == directory.main() + ": No such file or directory\n");
  fs::remove(directory.main());
  fs::create_directory(directory.file("conf.d/a.yaml"));
  CHECK(directory.refused() == directory.file("conf.d/a.yaml") + ": is not a regular file\n");
  fs::remove(directory.file("conf.d/a.yaml"));
  directory.write("postmultid.yaml", "version: 1\n");
  fs::remove(directory.file("conf.d"));
  CHECK(directory.refused() == "fine");
  directory.write("conf.d", "");
  CHECK(directory.refused() == directory.file("conf.d") + ": Not a directory\n");
  if (::geteuid() == 0) return;  // root reads everything
  fs::permissions(directory.main(), fs::perms::none);
  CHECK(directory.refused().find(directory.main() + ": Permission denied\n") != std::string::npos);
}

TEST_CASE("the definition that is installed changes nothing, and is right when all of it is uncommented") {
  std::string text = contents(SOURCE_ROOT "/etc/postmultid.yaml");
  Definition definition = *load_text("f", text);
  CHECK(definition.groups.empty());
  CHECK(definition.instances.empty());
  CHECK(definition.companions.empty());
  CHECK_FALSE(definition.primary);
  CHECK_FALSE(definition.defaults.restart);

  std::istringstream lines(text);
  std::string whole;
  for (std::string line; std::getline(lines, line);) {
    // "# Prose" and "#key: value".
    bool commented_out = line.size() > 1 && line[0] == '#' && (line[1] != ' ' || line[2] == ' ');
    whole += line.substr(commented_out ? 1 : 0) + "\n";
  }
  CHECK(complaints(whole) == "fine");
  CHECK(load_text("f", whole)->companions.size() == 3);
}

TEST_CASE("blocks and maps become one text in Postfix's syntax, each line with its place") {
  auto blocks = load_text("f", "version: 1\nprimary:\n  main.cf: |\n    # why\n    a = 1,\n      2\n    b =\n");
  REQUIRE(blocks);
  const PostfixText& text = blocks->primary->configuration.main_cf;
  CHECK(text.text == "# why\na = 1,\n  2\nb =\n");
  REQUIRE(text.lines.size() == 4);
  CHECK(text.lines[1].text() == "f:5:5");
  CHECK(text.lines[3].text() == "f:7:5");
  auto maps = load_text("f",
                        "version: 1\nprimary:\n  main.cf:\n    a: [1, 2]\n    b: \"\"\n    v: 3.10\n  master.cf:\n"
                        "    smtp/inet: { command: smtpd, private: no, options: { x: [y, z], w: q } }\n");
  REQUIRE(maps);
  CHECK(maps->primary->configuration.main_cf.text == "a = 1, 2\nb =\nv = 3.10\n");
  CHECK(maps->primary->configuration.main_cf.lines[1].text() == "f:5:5");
  CHECK(maps->primary->configuration.master_cf.text == "smtp inet n - - - - smtpd -o {x = y, z} -o w=q\n");
}

TEST_CASE(
    "a later file adds to what earlier ones say of Postfix's files, sets what they take away and takes away what they "
    "set") {
  auto both = load_sources({{"main",
                             "version: 1\ninstances:\n- name: postfix-out\n  main.cf: |\n    a = 1\n    b = 2\n"
                             "  remove: { main.cf: [c] }\n  maps:\n    virtual: { type: hash, text: x }\n",
                             true},
                            {"later",
                             "instances:\n- name: postfix-out\n  main.cf: |\n    c = 3\n  remove: { main.cf: [b] }\n"
                             "  maps:\n    virtual: { file: /v }\n"}});
  REQUIRE(both);
  const Configuration& out = both->instances[0].configuration;
  CHECK(out.main_cf.text == "a = 1\nc = 3\n");
  CHECK(out.main_cf.lines[1].text() == "later:4:5");
  REQUIRE(out.remove_main_cf.size() == 1);
  CHECK(out.remove_main_cf[0].text == "b");
  REQUIRE(out.maps.size() == 1);
  CHECK(out.maps[0].file.text == "/v");
  CHECK(out.maps[0].type.text.empty());
}

TEST_CASE("defaults lie beneath what an instance says itself") {
  auto read = load_text("f",
                        "version: 1\ndefaults:\n  main.cf: |\n    a = 1\n  maps: { m: x }\ninstances:\n"
                        "- name: postfix-out\n  main.cf: |\n    a = 2\n  maps: { m: y }\n");
  REQUIRE(read);
  Configuration out = read->configuration_of(read->instances[0]);
  CHECK(out.main_cf.text == "a = 1\na = 2\n");
  REQUIRE(out.maps.size() == 1);
  CHECK(out.maps[0].text->text == "y\n");
}

TEST_CASE("instances that are in each other's way are told, each at its place") {
  auto warnings = [](const std::string& instances) {
    auto read = load_text("f", "version: 1\n" + instances);
    REQUIRE_MESSAGE(read, (read ? "" : describe(read.error())));
    return describe(lint(*read));
  };
  auto two = [](const std::string& first, const std::string& second) {
    return "groups:\n- name: g\n  members: [postfix-a, postfix-b]\ninstances:\n- name: postfix-a\n" + first +
           "- name: postfix-b\n" + second;
  };
  auto main_cf = [](const std::string& line) { return "  main.cf: |\n    " + line + "\n"; };
  std::string quiet = "  remove: { master.cf: [smtp/inet] }\n";
  CHECK(warnings(two(quiet, quiet)).empty());
  // Both have Postfix's stock service.
  CHECK(warnings(two("", "")).find("f:7:9: postfix-b would listen at port 25") == 0);
  CHECK(warnings(two(main_cf("inet_interfaces = 192.0.2.1"), main_cf("inet_interfaces = 192.0.2.2"))).empty());
  CHECK(warnings(two(main_cf("inet_interfaces = 192.0.2.1"), main_cf("inet_interfaces = loopback-only, 192.0.2.1")))
            .find("port 25") != std::string::npos);
  CHECK(warnings(two(main_cf("master_service_disable = inet"), "")).empty());
  std::string service = "  master.cf: |\n    127.0.0.1:10026 inet n - n - - smtpd\n";
  CHECK(warnings(two(quiet + service, quiet + service)).find("f:13:5: postfix-b would listen at port 10026") == 0);
  CHECK(warnings(two(quiet + main_cf("relayhost = [127.0.0.1]:10026"), quiet + service))
            .find("f:9:5: postfix-a hands mail to postfix-b, which starts later") == 0);
  CHECK(warnings(two(quiet + service, quiet + main_cf("default_transport = smtp:[127.0.0.1]:10026"))).empty());
  CHECK(warnings(
            two(main_cf("myhostname = x"), quiet + "  main.cf: |\n    myhostname = x\n    relayhost = [127.0.0.1]\n"))
            .find("mail would loop") != std::string::npos);
  CHECK(warnings(two(quiet + main_cf("syslog_name = postfix-x"), quiet + main_cf("syslog_name = postfix-x")))
            .find("syslog_name is that of postfix-a already") != std::string::npos);
  CHECK(warnings(two(quiet + "  directories: { queue: /q }\n", quiet + "  directories: { data: /q }\n"))
            .find("/q is a directory of postfix-a already") != std::string::npos);
  CHECK(warnings("instances:\n- name: postfix-a.b\n" + quiet).find("fail2ban") != std::string::npos);
}

TEST_CASE("the examples have no mistake, and none of them makes instances that are in each other's way") {
  for (const char* name : {"border-mail-server", "outbound-pool", "submission-and-mx"}) {
    auto read = load(std::string(SOURCE_ROOT) + "/etc/examples/" + name + ".yaml");
    REQUIRE_MESSAGE(read, (read ? "" : describe(read.error())));
    CHECK_MESSAGE(describe(lint(*read)).empty(), describe(lint(*read)));
  }
}
