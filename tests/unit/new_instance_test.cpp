#include "postfix/new_instance.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "host/temporary_directory.hpp"
#include "postfix/footprint.hpp"

using namespace postmultid;
using namespace postmultid::postfix;
using enum Position::Where;

namespace {

Listed listed(const std::string& name, bool primary = false) {
  Listed entry;
  Instance& instance = entry.instance;
  instance.name = primary ? "" : name;
  instance.id = {primary ? "-" : name};
  instance.primary = primary;
  instance.config_directory = "/etc/" + name;
  instance.queue_directory = "/var/spool/" + name;
  instance.data_directory = "/var/lib/" + name;
  return entry;
}

std::vector<Listed> three() { return {listed("postfix", true), listed("postfix-out"), listed("postfix-in")}; }

NewInstance wanted(const std::string& name) {
  NewInstance one;
  one.name = name;
  return completed(one, three().front().instance);
}

std::string why_not(const NewInstance& one) { return unfit(one, three(), {"/usr/sbin", "/usr/lib/postfix/sbin"}); }

}  // namespace

TEST_CASE("a new instance's directories are beside the primary's and called as it is, unless they are said") {
  NewInstance one = wanted("postfix-x");
  CHECK(one.config_directory == "/etc/postfix-x");
  CHECK(one.queue_directory == "/var/spool/postfix-x");
  CHECK(one.data_directory == "/var/lib/postfix-x");
  one.queue_directory = "/srv/x///";
  CHECK(completed(one, three().front().instance).queue_directory == "/srv/x");
  CHECK(why_not(wanted("postfix-x")).empty());
}

TEST_CASE("what postmulti or its script would choke on, or share with another instance, is refused with the reason") {
  auto says = [](const NewInstance& one, const char* word) {
    INFO(why_not(one));
    CHECK(why_not(one).find(word) != std::string::npos);
  };
  says(wanted("out"), "\"postfix-out\"");
  says(wanted("postfix-"), "begins with");
  says(wanted("postfix-a b"), "has a character");
  says(wanted("postfix-a/b"), "has a character");
  says(wanted("postfix-out"), "is that of /etc/postfix-out already");
  says(NewInstance{}, "is not said");
  auto with_queue = [](const std::string& path) {
    NewInstance one = wanted("postfix-x");
    one.queue_directory = path;
    return one;
  };
  says(with_queue("srv/x"), "no absolute path");
  says(with_queue("/"), "no absolute path");
  says(with_queue("/srv/../x"), "write /x");
  says(with_queue("/srv/my mail"), "has a character");
  says(with_queue("/srv/$name"), "has a character");
  says(with_queue("/var/spool/postfix-in"), "by postfix-in");
  says(with_queue("/var/lib/postfix"), "by -");
  says(with_queue("/var/lib/postfix-x"), "by itself");
  says(with_queue("/usr/lib/postfix/sbin"), "Postfix's own");
  NewInstance grouped = wanted("postfix-x");
  grouped.group = "a b";
  says(grouped, "has a character");
  grouped.group = "mta/eu";
  CHECK(why_not(grouped).empty());
}

TEST_CASE("nothing is made within another one's directories, around them, or among somebody's files") {
  auto directory = host::TemporaryDirectory::make();
  REQUIRE(directory);
  std::string top = directory->path();
  auto refused = [&](const std::string& queue, const std::string& data) {
    NewInstance one = wanted("postfix-new");
    one.queue_directory = queue;
    one.data_directory = data;
    return unfit_place(one, three(), {"/usr/sbin"});
  };
  CHECK(refused("/var/spool/postfix-out/x", "/d")
            .find("is within /var/spool/postfix-out, which is in use by postfix-out") != std::string::npos);
  CHECK(refused("/var", "/d").find("in it, which is in use by") != std::string::npos);
  CHECK(refused("/q", "/usr/sbin/x").find("within /usr/sbin") != std::string::npos);
  CHECK(refused("/var/spool/postfix-new", top) == "");
  std::filesystem::create_directories(top + "/queue/maildrop");
  std::filesystem::create_directories(top + "/queue/lost+found");
  CHECK(refused(top + "/queue", "/d") == "");
  std::ofstream(top + "/queue/notes") << "mine";
  CHECK(refused(top + "/queue", "/d").starts_with(top + "/queue/notes is there, and no instance's"));
  std::filesystem::create_directories(top + "/data");
  std::ofstream(top + "/data/ledger") << "mine";
  CHECK(refused("/q", top + "/data").starts_with(top + "/data/ledger is there"));
}

TEST_CASE("a link to another instance's directory is that directory") {
  auto place = host::TemporaryDirectory::make();
  REQUIRE(place);
  std::filesystem::create_directory(place->path() + "/queue");
  std::filesystem::create_directory_symlink(place->path() + "/queue", place->path() + "/link");
  auto present = three();
  present[1].instance.queue_directory = place->path() + "/queue";
  NewInstance one = wanted("postfix-x");
  one.data_directory = place->path() + "/link";
  CHECK(unfit(one, present, {}).find("by postfix-out") != std::string::npos);
}

TEST_CASE("a new instance stands where it is wanted, and last where nothing is said") {
  using List = std::vector<std::string>;
  const std::string out = "/etc/postfix-out", in = "/etc/postfix-in", x = "/etc/postfix-x";
  auto placed = [](Position::Where where, const std::string& directory = "") {
    NewInstance one = wanted("postfix-x");
    one.position = {where, directory};
    return one;
  };
  CHECK(with(placed(last), three()) == List{out, in, x});
  CHECK(with(placed(first), three()) == List{x, out, in});
  CHECK(with(placed(before, in), three()) == List{out, x, in});
  CHECK(with(placed(after, out), three()) == List{out, x, in});
  CHECK(with(placed(after, in), three()) == List{out, in, x});
  CHECK(with(placed(after, "/etc/postfix"), three()) == List{x, out, in});
  CHECK(why_not(placed(before, "/etc/postfix")).find("primary") != std::string::npos);
  CHECK(why_not(placed(after, "/etc/nobody")).find("/etc/nobody") != std::string::npos);
}

TEST_CASE("of what a creation has made nothing stays, and of what was there before nothing goes") {
  auto place = host::TemporaryDirectory::make();
  REQUIRE(place);
  namespace fs = std::filesystem;
  const std::string root = place->path();
  NewInstance one;
  one.config_directory = root + "/etc/x";
  one.queue_directory = root + "/spool/deep/x";
  one.data_directory = root + "/lib/x";
  fs::create_directories(root + "/spool/deep/x/hold");
  std::ofstream(root + "/spool/deep/x/hold/ABCDEF") << "mail";
  Footprint footprint(one);
  fs::create_directories(root + "/etc/x/.tmp");
  std::ofstream(root + "/etc/x/main.cf") << "a = b\n";
  std::ofstream(root + "/etc/x/.tmp/master.cf") << "#\n";
  fs::create_directories(root + "/spool/deep/x/active");
  fs::create_directories(root + "/lib/x");
  SUBCASE("nothing else has come") {
    CHECK(footprint.take_away().empty());
    CHECK_FALSE(fs::exists(root + "/etc"));
    CHECK_FALSE(fs::exists(root + "/lib"));
  }
  SUBCASE("what is not ours stays, and is named") {
    std::ofstream(root + "/etc/x/notes") << "mine";
    auto left = footprint.take_away();
    REQUIRE(left.size() == 2);  // it, and what is above it
    CHECK(left[0].starts_with(root + "/etc/x: "));
  }
  CHECK(fs::exists(root + "/spool/deep/x/hold/ABCDEF"));
  CHECK_FALSE(fs::exists(root + "/spool/deep/x/active"));
}
