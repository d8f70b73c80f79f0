#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "host/temporary_directory.hpp"
#include "postfix/endpoints.hpp"
#include "postfix/instance.hpp"
#include "postfix/inventory.hpp"
#include "postfix/known_fatals.hpp"
#include "postfix/last_words.hpp"
#include "postfix/mail_log.hpp"
#include "postfix/queue.hpp"
#include "postfix/services.hpp"
#include "postfix/shared_endpoints.hpp"
#include "postfix/tools.hpp"

using namespace postmultid::postfix;
using postmultid::host::ListeningSocket;
using postmultid::host::TemporaryDirectory;

namespace {

Listed listed(const std::string& name, const std::string& directory) {
  Listed entry;
  entry.instance.id = {name};
  entry.instance.name = name;
  entry.instance.config_directory = "/etc/" + directory;
  entry.instance.queue_directory = "/var/spool/" + directory;
  entry.instance.data_directory = "/var/lib/" + directory;
  return entry;
}

}  // namespace

TEST_CASE("postconf's lines become parameters, empty values included") {
  auto p = parse_parameters("queue_directory = /var/spool/postfix\nmaillog_file =\nx = a = b\nnonsense\n");
  CHECK(p["queue_directory"] == "/var/spool/postfix");
  CHECK(p.at("maillog_file").empty());
  CHECK(p["x"] == "a = b");
  CHECK_FALSE(p.contains("nonsense"));
}

TEST_CASE("postconf -M's lines become services") {
  auto services = parse_services(
      "smtp       inet  n       -       y       -       -       smtpd\n"
      "127.0.0.1:10026 inet n - n - - smtpd -o a=b\n"
      "qmgr       unix  n       -       n       300     1       qmgr\n");
  REQUIRE(services.size() == 3);
  CHECK(services[2].process_limit == 1);
  CHECK(services[0].process_limit == 0);
  CHECK(services[0].greets);
  CHECK(services[1].greets);
  CHECK_FALSE(services[2].greets);
  for (const char* other : {"smtps inet n - y - - smtpd -o smtpd_tls_wrappermode=yes\n",
                            "smtps inet n - y - - smtpd -o { smtpd_tls_wrappermode = yes }\n",
                            "x inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n",
                            "policy inet n - y - - spawn user=nobody argv=/bin/x\n"})
    CHECK_FALSE(parse_services(other)[0].greets);
  CHECK(parse_services("smtp inet n - y - - smtpd\n", 100)[0].process_limit == 100);
  CHECK(services[0].name == "smtp");
  CHECK(services[0].chroot);
  CHECK_FALSE(services[1].chroot);
  CHECK(services[2].command == "qmgr");
}

TEST_CASE("master_service_disable follows Postfix's rule: first match counts, ! excludes") {
  Service smtp{"smtp", "inet", false, "smtpd"}, local{"127.0.0.1:10026", "inet", false, "smtpd"},
      qmgr{"qmgr", "unix", false, "qmgr"};
  CHECK(service_disabled("inet", smtp));
  CHECK(service_disabled("inet", local));
  CHECK_FALSE(service_disabled("inet", qmgr));
  CHECK(service_disabled("smtp/inet", smtp));
  CHECK(service_disabled("smtp.inet", smtp));
  CHECK_FALSE(service_disabled("smtp/inet", local));
  CHECK(service_disabled("foo/unix, 127.0.0.1:10026/inet", local));
  CHECK_FALSE(service_disabled("!smtp/inet, inet", smtp));
  CHECK(service_disabled("!smtp/inet, inet", local));
  CHECK_FALSE(service_disabled("", smtp));
}

TEST_CASE("an endpoint is served by a socket on its address or on all, and by no other") {
  Instance instance;
  instance.services = {{"127.0.0.1:10026", "inet", false, "smtpd"},
                       {"smtp", "inet", false, "smtpd"},
                       {"[0:0:0:0:0:0:0:1]:2525", "inet", false, "smtpd"},
                       {"no-such-port-name", "inet", false, "smtpd"}};
  CHECK(endpoints(instance).size() == 3);
  CHECK(unserved(instance, {{1, "127.0.0.1", 10026}, {2, "*", 25}, {3, "::1", 2525}}).empty());
  CHECK(unserved(instance, {{1, "127.0.0.2", 10026}, {2, "10.1.2.3", 25}, {3, "*", 2525}}) ==
        std::vector<std::string>{"127.0.0.1:10026"});
  instance.master_service_disable = "inet";
  CHECK(unserved(instance, {}).empty());
}

TEST_CASE("IPv4 and IPv6 wildcards are shown as one") {
  CHECK(display({{1, "*", 25}, {2, "*", 25}, {3, "127.0.0.1", 10026}}) ==
        std::vector<std::string>{"*:25", "127.0.0.1:10026"});
}

TEST_CASE("the reason is taken out of what Postfix printed") {
  CHECK(reason_in("") == "");
  CHECK(reason_in("postfix: fatal: bad numerical configuration: message_size_limit = abc\r\n") ==
        "bad numerical configuration: message_size_limit = abc");
  CHECK(reason_in(
            "postfix/postfix-script: warning: x\npostfix-out/postfix-script: fatal: first\npostfix: fatal: second\n") ==
        "first");
  CHECK(reason_in("only words\n") == "only words");
  CHECK(reason_in("postconf: fatal: " + std::string(100'000, 'x')).size() < 2000);
}

TEST_CASE("a place in a file is written file:line with the line itself") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/master.cf";
  std::string secret = directory->path() + "/secret";
  std::ofstream(secret) << "password\n";
  CHECK(reason_in("x: fatal: file " + secret + ": line 1: bad\n") == secret + ":1: bad");
  std::ofstream(path) << "# comment\nsubmission inet n - y - smtpd\n";
  CHECK(reason_in("/usr/sbin/postconf: fatal: file " + path + ": line 2: bad field count\n") ==
        path + ":2: bad field count: \"submission inet n - y - smtpd\"");
  CHECK(reason_in("postconf: fatal: file /no/such: line 7: bad\n") == "/no/such:7: bad");
}

TEST_CASE("two instances that share a queue, a data directory or a name: the later one is refused by name") {
  std::vector<Listed> all{listed("postfix-a", "postfix-a"), listed("postfix-b", "postfix-b"),
                          listed("postfix-a", "postfix-c")};
  all[1].instance.queue_directory = "/var/spool/postfix-a/../postfix-a/";
  refuse_conflicts(all);
  CHECK_FALSE(all[0].broken);
  REQUIRE(all[1].broken);
  CHECK(all[1].broken->message.find("/etc/postfix-b/main.cf: queue_directory") == 0);
  CHECK(all[1].broken->message.find("postfix-a") != std::string::npos);
  REQUIRE(all[2].broken);
  CHECK(all[2].instance.id.text == "/etc/postfix-c");
}

TEST_CASE("a name that somebody still runs under is nobody else's") {
  auto listed = [](const std::string& id, const std::string& name, const std::string& directory) {
    Listed entry;
    entry.instance.id = {id};
    entry.instance.name = name;
    entry.instance.config_directory = directory;
    return entry;
  };
  std::vector<Listed> all{listed("-", "", "/etc/postfix"), listed("postfix-a", "postfix-x", "/etc/postfix-a"),
                          listed("postfix-a", "postfix-a", "/etc/postfix-b"),
                          listed("postfix-c", "postfix-c", "/etc/postfix-c")};
  refuse_taken_ids(all);
  CHECK(all[1].instance.id.text == "postfix-a");
  CHECK_FALSE(all[1].broken);
  REQUIRE(all[2].broken);
  CHECK(all[2].broken->message.find("the name postfix-a is still in use by /etc/postfix-a") != std::string::npos);
  CHECK(all[2].instance.id.text == "/etc/postfix-b");
  CHECK_FALSE(all[0].broken);
  CHECK_FALSE(all[3].broken);
}

TEST_CASE("a long queue id tells when the message arrived, a short one does not") {
  auto time = arrival_in_name("4HnkK74hXyz6tl6");
  REQUIRE(time);
  CHECK(postmultid::model::to_rfc3339(*time) == "2021-11-08T08:08:59.000Z");
  for (const char* other : {"", "z", "9890093", "4A5B6C7D8E", "short1z", "4HnkAeiou4hXyz6tl6", "j04XKckMcLz3t"})
    CHECK_FALSE(arrival_in_name(other).has_value());
}

TEST_CASE("a queue is counted by names: hashed or not, without temporary files") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  Instance instance;
  instance.queue_directory = directory->path();
  std::filesystem::create_directories(directory->path() + "/deferred/A");
  std::filesystem::create_directories(directory->path() + "/deferred/4");
  std::filesystem::create_directories(directory->path() + "/active");
  for (const char* file : {"deferred/A/A12345", "deferred/A/A12346", "deferred/4/4HnkK74hXyz6tl6", "active/BCDEF1",
                           "active/123456.789", "active/BCDEF2#FIX"})
    std::ofstream(directory->path() + "/" + file);
  auto counts = count_queue(instance, std::chrono::seconds(10));
  CHECK(counts.deferred == 3);
  CHECK(counts.active == 1);
  CHECK(counts.incoming == 0);
  CHECK_FALSE(counts.truncated);
  REQUIRE(counts.oldest_at);
  CHECK(postmultid::model::to_rfc3339(*counts.oldest_at) == "2021-11-08T08:08:59.000Z");
  CHECK(count_queue(instance, std::chrono::milliseconds(-1)).truncated);
}

TEST_CASE("a log tag belongs to an instance if it is its name, or its name and a program's") {
  CHECK(is_tag_of("postfix-out/smtpd", "postfix-out"));
  CHECK(is_tag_of("postfix-out/relay/smtp", "postfix-out"));
  CHECK(is_tag_of("postfix-out", "postfix-out"));
  CHECK_FALSE(is_tag_of("postfix-outer/smtpd", "postfix-out"));
  CHECK_FALSE(is_tag_of("postfix/smtpd", "postfix-out"));
  CHECK_FALSE(is_tag_of("", "postfix-out"));
}

TEST_CASE("the log tells of a stop by master's own word or that of postfix stop, unless a start came after it") {
  using Lines = std::vector<std::string>;
  const std::string started =
      "Nov 23 x postfix-in/master[7]: daemon started -- version 3.7, configuration /etc/postfix-in";
  const std::string stopping = "Nov 23 x postfix-in/postfix-script[9]: stopping the Postfix mail system";
  const std::string term = "Nov 23 x postfix-in/master[7]: terminating on signal 15";
  CHECK(tells_of_a_stop(Lines{started, stopping}, "postfix-in", 7));
  CHECK(tells_of_a_stop(Lines{started, term}, "postfix-in", 7));
  CHECK(tells_of_a_stop(Lines{started, stopping, term}, "postfix-in", 7));
  CHECK_FALSE(tells_of_a_stop(Lines{started}, "postfix-in", 7));
  CHECK_FALSE(tells_of_a_stop(Lines{stopping, started}, "postfix-in", 7));
  CHECK_FALSE(tells_of_a_stop(Lines{started, "x postfix-out/postfix-script[9]: stopping the Postfix mail system"},
                              "postfix-in", 7));
  CHECK_FALSE(tells_of_a_stop(
      Lines{started, "x postfix-in/smtpd[3]: from <postfix-in/postfix-script[9]: stopping the Postfix mail system>"},
      "postfix-in", 7));
  CHECK_FALSE(tells_of_a_stop(Lines{started, "postfix-in/master[8]: terminating on signal 15"}, "postfix-in", 7));
  // What a stranger puts into a subject line is not postfix-script's word.
  CHECK_FALSE(tells_of_a_stop(
      Lines{started, "postfix-in/cleanup[1]: warning: header Subject: stopping the Postfix mail system"}, "postfix-in",
      7));
}

TEST_CASE("the last lines of a maillog_file are read, and no more than asked for") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  Instance instance;
  instance.maillog_file = directory->path() + "/mail.log";
  CHECK_FALSE(last_lines(instance, 3));
  std::ofstream log(instance.maillog_file);
  for (int i = 0; i < 100'000; ++i) log << "line " << i << " of a log that is longer than what is read\n";
  log << "cut";
  log.close();
  auto lines = last_lines(instance, 3);
  REQUIRE(lines);
  REQUIRE(lines->size() == 3);
  CHECK((*lines)[1].starts_with("line 99999 "));
  CHECK(lines->back() == "cut");
  CHECK(last_lines(instance, 0)->empty());
}

TEST_CASE("a child's service is what master put in front of its arguments") {
  CHECK(service_of({"smtpd", "-n", "smtp", "-t", "inet", "-u", "-o", "x=-t"}) == "smtp/inet");
  CHECK(service_of({"smtpd", "-l", "-n", "127.0.0.1:10026", "-t", "inet"}) == "127.0.0.1:10026/inet");
  CHECK(service_of({"/usr/lib/postfix/sbin/qmgr", "-l", "-t", "unix", "-u"}) == "qmgr/unix");
  CHECK(service_of({"smtp", "-z", "-t", "unix"}) == "smtp/unix");
  CHECK(service_of({"master", "-w", "-t", "unix"}) == "");
  CHECK(service_of({"smtpd", "-n"}) == "");
  CHECK(service_of({"smtpd", "-t"}) == "");
  CHECK(service_of({}) == "");
}

namespace {

Instance listening(const char* id, const char* service, const char* interfaces = "all", const char* protocols = "all") {
  Instance instance;
  instance.id = {id};
  instance.inet_interfaces = interfaces;
  instance.inet_protocols = protocols;
  instance.services = {{service, "inet", false, "smtpd"}};
  return instance;
}

}  // namespace

TEST_CASE("instances that ask for the same endpoint are told, each of the other") {
  auto shared = shared_endpoints({listening("a", "2525"), listening("b", "127.0.0.1:2525"), listening("c", "2526")});
  CHECK(shared.size() == 2);
  CHECK(shared[{"a"}] == "*:2525 (2525) is shared with b (127.0.0.1:2525): connections go to either");
  CHECK(shared[{"b"}] == "127.0.0.1:2525 (127.0.0.1:2525) is shared with a (*:2525): connections go to either");
}

TEST_CASE("only an address of the same family is shared, and wildcards of both are one") {
  CHECK(shared_endpoints({listening("a", "2525", "all", "ipv6"), listening("b", "127.0.0.1:2525")}).empty());
  CHECK(shared_endpoints({listening("a", "127.0.0.1:2525"), listening("b", "127.0.0.2:2525")}).empty());
  CHECK(shared_endpoints({listening("a", "2525", "192.0.2.1"), listening("b", "2525", "loopback-only")}).empty());
  auto both = shared_endpoints({listening("a", "2525"), listening("b", "2525")});
  CHECK(both[{"a"}] == "*:2525 (2525) is shared with b: connections go to either");
  CHECK(shared_endpoints({listening("a", "[::1]:2525"), listening("b", "2525", "loopback-only")}).size() == 2);
}

namespace {

using postmultid::model::FailureClass;
using postmultid::model::Fault;
using postmultid::model::Missing;
using Log = std::vector<std::string>;

std::string code_of(const std::string& message) {
  auto known = recognize(message);
  return known ? known->code : "";
}

}  // namespace

TEST_CASE("a line belongs to whom its tag names, whatever a stranger wrote into it") {
  auto spoken = spoken_in("Nov 25 02:36:11 mta1 postfix-out/smtpd[42]: fatal: postfix-in/master[7]: x", "postfix-out");
  REQUIRE(spoken);
  CHECK(spoken->pid == 42);
  CHECK(spoken->tag == "postfix-out/smtpd");
  CHECK(spoken->message == "fatal: postfix-in/master[7]: x");
  CHECK_FALSE(spoken_in("h postfix-out/smtpd[42]: x", "postfix"));
  CHECK_FALSE(spoken_in("h postfix-out/smtpd[42]: x", "postfix-outer"));
  CHECK(spoken_in("postfix/master[1]: x", "postfix"));
  CHECK_FALSE(spoken_in("no tag at all", "postfix"));
  CHECK_FALSE(spoken_in("", ""));
}

TEST_CASE("the last words are those that end something, then warnings; what every program says is no word") {
  Log lines{"postfix-out/smtpd[1]: connect from x",
            "postfix-out/master[2]: warning: /etc/postfix-out/main.cf, line 7: overriding earlier entry: a=b",
            "postfix-out/qmgr[3]: fatal: bad numerical configuration: x = y",
            "postfix-out/master[2]: warning: process qmgr pid 3 exit status 1",
            "postfix-in/master[9]: fatal: of somebody else",
            "postfix-out/master[4]: fatal: daemon initialization failure -- see logs for details"};
  CHECK(complaints(lines, "postfix-out", 0) == Log{lines[2], lines[3]});
  CHECK(complaints(lines, "postfix-out", 2) == Log{lines[3]});
  CHECK(tell_of_an_end({lines[2]}));
  CHECK_FALSE(tell_of_an_end({lines[3]}));

  Log many(50, "postfix-out/smtpd[1]: warning: hostname x does not resolve");
  for (std::size_t i = 0; i < many.size(); ++i) many[i] += std::to_string(i);
  many[10] = "postfix-out/qmgr[1]: panic: the one that counts";
  auto chosen = complaints(many, "postfix-out", 0);
  CHECK(chosen.size() == 6);
  CHECK(chosen[0] == many[10]);
  CHECK(complaints({"x/y[1]: fatal: \x1b[31m" + std::string(5000, 'a')}, "x", 0)[0].size() < 500);
  CHECK(complaints({"x/y[1]: fatal: \x1b[31m"}, "x", 0) == Log{"x/y[1]: fatal: ?[31m"});
}

TEST_CASE("what Postfix dies of is known by its own words") {
  CHECK(code_of("bad numerical configuration: max_use = five") == "bad-parameter");
  CHECK(code_of("parameter max_idle: bad time value or unit: 5q") == "bad-parameter");
  CHECK(code_of("bad string length 0 < 1: mail_owner = ") == "bad-parameter");
  CHECK(code_of("unknown inet_protocols value \"ipv9\" in \"ipv9\"") == "bad-parameter");
  CHECK(code_of("bind 127.0.0.1 port 10026: Address already in use") == "port-in-use");
  CHECK(code_of("bind 192.0.2.77 port 2525: Cannot assign requested address") == "no-such-address");
  CHECK(code_of("open lock file pid/master.pid: unable to set exclusive lock: Resource temporarily unavailable") ==
        "locked");
  CHECK(code_of("write queue file: No space left on device") == "no-space");
  CHECK(code_of("unsupported dictionary type: mysql") == "no-such-map-type");
  CHECK(code_of("connection lost while talking to a stranger").empty());
  CHECK(code_of("").empty());

  auto known = recognize("open database /etc/nowhere.db: No such file or directory");
  REQUIRE(known);
  CHECK(known->hint == "postmap /etc/nowhere");
  // What is to be pasted into a shell holds nothing that the shell would take for more than a name.
  CHECK(recognize("open database /etc/$(reboot).db: No such file or directory")->hint.empty());
}

TEST_CASE("a parameter that is bad is shown with its place in main.cf, the last one that counts") {
  auto directory = TemporaryDirectory::make();
  std::ofstream(directory->path() + "/main.cf") << "max_idle = 1s\n# max_idle = 2s\nmax_idle = 5q\nmax_idle_x = 1\n";
  Instance instance;
  instance.config_directory = directory->path();
  instance.syslog_name = "postfix-out";
  Fault fault = explained(instance, {FailureClass::crash, "start-failed", "master -w exited with status 1", ""},
                          {"postfix-out/master[1]: fatal: parameter max_idle: bad time value or unit: 5q"});
  CHECK(fault.kind == FailureClass::config);
  CHECK(fault.code == "bad-parameter");
  CHECK(fault.message == directory->path() + "/main.cf:3: parameter max_idle: bad time value or unit: 5q");
  CHECK(fault.hint == "postconf -c " + directory->path() + " max_idle");
  CHECK(fault.log.size() == 1);
}

TEST_CASE("words that nobody knows are added to what was seen, and what was seen around the host is left as it is") {
  Instance instance;
  instance.syslog_name = "x";
  Fault fault = explained(instance, {FailureClass::crash, "start-failed", "master -w exited with status 1", ""},
                          {"x/master[1]: error: something", "x/master[1]: fatal: something else"});
  CHECK(fault.kind == FailureClass::crash);
  CHECK(fault.message == "master -w exited with status 1: something else");
  Fault port{FailureClass::environment, "port-in-use", "in use by 42", "ss", Missing::port, 42};
  port = explained(instance, port, {"x/master[1]: fatal: bind 127.0.0.1 port 1: Address already in use"});
  CHECK(port.message == "in use by 42");
  CHECK(port.holder == 42);
  CHECK(port.log.size() == 1);
  CHECK(explained(instance, {}, {}).message.empty());
}
