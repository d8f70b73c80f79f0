#include "postfix/removal.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include <filesystem>
#include <fstream>

#include "host/fd.hpp"
#include "host/temporary_directory.hpp"
#include "postfix/footprint.hpp"

using namespace postmultid;
using namespace postmultid::postfix;
namespace fs = std::filesystem;

namespace {

/// An instance that has run.
struct Ran {
  host::TemporaryDirectory place = *host::TemporaryDirectory::make();
  Instance instance;

  Ran() {
    instance.id = {"postfix-x"};
    instance.config_directory = place.path() + "/etc";
    instance.queue_directory = place.path() + "/spool";
    instance.data_directory = place.path() + "/lib";
    for (const auto* names : {&kMailQueues, &kOtherQueueDirectories})
      for (const std::string& name : *names) fs::create_directories(queue(name));
    fs::create_directories(queue("deferred/A"));
    for (const char* name : {"pid/master.pid", "pid/unix.cleanup", "flush/example_com"}) write(queue(name));
    fs::create_directories(instance.data_directory);
    fs::create_directories(instance.config_directory);
    for (const char* name : {"/master.lock", "/prng_exch", "/smtpd_scache.db"}) write(instance.data_directory + name);
    for (const char* name : {"/main.cf", "/master.cf"}) write(instance.config_directory + name);
    (void)listen_at(queue("public/showq"));  // nobody listens any more
  }

  std::string queue(const std::string& name) const { return instance.queue_directory + "/" + name; }
  static void write(const std::string& path, const std::string& text = "") { std::ofstream(path) << text; }

  static host::Fd listen_at(const std::string& path) {
    host::Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{AF_UNIX, {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
  }

  std::vector<std::string> remove() const {
    REQUIRE(MailQueues::remove(instance.queue_directory));
    return remove_rest(instance);
  }
};

}  // namespace

TEST_CASE("every file where mail may be counts, whatever its name and however deep") {
  Ran ran;
  CHECK(mail_in(ran.instance.queue_directory) == "");
  Ran::write(ran.queue("hold/ABCDEF"));
  Ran::write(ran.queue("hold/4fXyZ"));
  Ran::write(ran.queue("maildrop/123.456"));
  Ran::write(ran.queue("deferred/A/A1B2C3"));
  fs::create_symlink("/etc", ran.queue("saved/link"));
  CHECK(mail_in(ran.instance.queue_directory) == "1 in maildrop, 1 in deferred, 2 in hold, 1 in saved");
  CHECK(mail_in(ran.place.path() + "/none") == "");
}

TEST_CASE("of an instance that has run nothing is left") {
  Ran ran;
  CHECK(ran.remove().empty());
  CHECK(fs::is_empty(ran.place.path()));
}

TEST_CASE("mail that comes in at the last moment stays, and so do the directories for it") {
  Ran ran;
  fs::permissions(ran.queue("maildrop"), static_cast<fs::perms>(0730));
  Ran::write(ran.queue("hold/ABCDEF"));
  auto gone = MailQueues::remove(ran.instance.queue_directory);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().message.find("/hold") != std::string::npos);
  for (const std::string& name : kMailQueues) CHECK(fs::is_directory(ran.queue(name)));
  CHECK(fs::status(ran.queue("maildrop")).permissions() == static_cast<fs::perms>(0730));
  CHECK(fs::exists(ran.queue("hold/ABCDEF")));
}

TEST_CASE("what others have put there, or use, stays and is named") {
  Ran ran;
  auto served = Ran::listen_at(ran.queue("private/auth"));
  Ran::write(ran.instance.config_directory + "/virtual");
  Ran::write(ran.instance.data_directory + "/greylist.db");
  Ran::write(ran.queue("defer/ABCDEF"));
  auto left = ran.remove();
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector{ran.instance.config_directory + "/virtual", ran.instance.data_directory + "/greylist.db",
                            ran.queue("defer/ABCDEF"), ran.queue("private/auth")});
}

TEST_CASE("copies of this host's own files for a chroot go, what is another file stays") {
  Ran ran;
  fs::create_directories(ran.queue("etc"));
  fs::copy_file("/etc/passwd", ran.queue("etc/passwd"));
  fs::create_directories(ran.queue("usr/lib/zoneinfo"));
  fs::create_symlink("/etc/localtime", ran.queue("usr/lib/zoneinfo/localtime"));
  SUBCASE("all of them are the same") { CHECK(ran.remove().empty()); }
  SUBCASE("one is another") {
    Ran::write(ran.queue("etc/group"), "mine");
    CHECK(ran.remove() == std::vector{ran.queue("etc/group")});
  }
}

TEST_CASE("a link leads nobody out of the directories") {
  Ran ran;
  const std::string elsewhere = ran.place.path() + "/elsewhere";
  fs::create_directory(elsewhere);
  Ran::write(elsewhere + "/example_com");
  fs::remove_all(ran.queue("flush"));
  fs::create_directory_symlink(elsewhere, ran.queue("flush"));
  fs::create_directory_symlink(elsewhere, ran.queue("trace/e"));
  auto left = ran.remove();
  CHECK(fs::exists(elsewhere + "/example_com"));
  CHECK(left.size() == 2);
}
