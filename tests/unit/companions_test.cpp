// How a companion's process is known again, and what keeps one from being run.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "companions/command.hpp"
#include "companions/record.hpp"
#include "host/proc.hpp"
#include "host/temporary_directory.hpp"

using namespace postmultid::companions;
using postmultid::host::TemporaryDirectory;

namespace {

std::uint64_t own_ticks() { return postmultid::host::process_stat(::getpid())->start_ticks; }

Command sleep_command(const std::string& directory) {
  Command command;
  command.name = "filter";
  command.argv = {"/bin/sleep", "1"};
  command.place = "postmultid.yaml:6:9";
  command.record = directory + "/companions/filter";
  return command;
}

std::string why_not(const Command& command) {
  auto done = check(command);
  return done ? "" : done.error().message;
}

}  // namespace

TEST_CASE("a record names one process of this boot; anything else names nobody") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  Command command = sleep_command(directory->path());
  CHECK_FALSE(find(command));

  REQUIRE(write_record(command.record, ::getpid(), own_ticks()));
  auto found = find(command);
  REQUIRE(found);
  CHECK(found->process.pid() == ::getpid());
  struct stat status {};
  REQUIRE(::stat(command.record.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  // The same number, but started at another time: somebody else.
  REQUIRE(write_record(command.record, ::getpid(), own_ticks() + 1));
  CHECK_FALSE(find(command));

  for (const char* wrong : {"", "{", "[]", "null", R"({"pid": 1})", R"({"pid": "x", "start_ticks": 1, "boot_id": "y"})",
                            R"({"pid": -1, "start_ticks": 1, "boot_id": "y"})",
                            R"({"pid": 99999999999, "start_ticks": 1, "boot_id": "y"})"}) {
    CAPTURE(wrong);
    std::ofstream(command.record) << wrong;
    CHECK_FALSE(find(command));
  }
  std::ofstream(command.record) << R"({"pid": )" << ::getpid() << R"(, "start_ticks": )" << own_ticks()
                                << R"(, "boot_id": "of another boot"})";
  CHECK_FALSE(find(command));
}

TEST_CASE("what cannot be run says why, and where it was declared") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  Command good = sleep_command(directory->path());
  CHECK(why_not(good).empty());
  Command command = good;
  command.argv = {"/no/such/program"};
  CHECK(why_not(command) == "postmultid.yaml:6:9: /no/such/program is not there, or is no program");
  command = good;
  command.argv = {directory->path()};
  CHECK(why_not(command).find("is no program") != std::string::npos);
  command = good;
  command.user = "no-such-user";
  CHECK(why_not(command).find("there is no user no-such-user") != std::string::npos);
  command = good;
  command.group = "no-such-group";
  CHECK(why_not(command).find("there is no group no-such-group") != std::string::npos);
  command = good;
  command.directory = "/no/such/directory";
  CHECK(why_not(command).find("/no/such/directory is no directory") != std::string::npos);
}

TEST_CASE("an endpoint is written as a URL") {
  CHECK(Endpoint{"127.0.0.1", 25, ""}.text() == "tcp://127.0.0.1:25");
  CHECK(Endpoint{"::1", 25, ""}.text() == "tcp://[::1]:25");
  CHECK(Endpoint{"", 0, "/run/filter"}.text() == "unix:///run/filter");
}
