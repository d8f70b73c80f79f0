// The packages' units of Debian 12 and Debian 13, made to mean us and given back.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/temporary_directory.hpp"
#include "postfix/facade.hpp"

using postmultid::model::Member;
using postmultid::postfix::Facade;

namespace {

/// A root directory with the units that a distribution's package brings.
struct Root {
  postmultid::host::TemporaryDirectory directory = std::move(*postmultid::host::TemporaryDirectory::make());

  std::filesystem::path path(const std::string& file) const { return directory.path() + file; }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(path(file).parent_path());
    std::ofstream(path(file)) << text;
  }

  std::string read(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream(path(file)).rdbuf();
    return text.str();
  }

  std::size_t files_in(const std::string& place) const {
    if (!std::filesystem::exists(path(place))) return 0;
    auto is_file = [](const auto& entry) { return !entry.is_directory(); };
    return static_cast<std::size_t>(std::count_if(std::filesystem::recursive_directory_iterator(path(place)),
                                                  std::filesystem::recursive_directory_iterator(), is_file));
  }
};

Root debian12() {
  Root root;
  std::filesystem::create_directories(root.path("/run/systemd/system"));
  root.write("/lib/systemd/system/postfix.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
  root.write("/lib/systemd/system/postfix@.service", "[Service]\nExecStart=/usr/sbin/postmulti -i %i -p start\n");
  root.write("/lib/systemd/system-generators/postfix-instance-generator", "#!/bin/sh\n");
  return root;
}

Root debian13() {
  Root root;
  std::filesystem::create_directories(root.path("/run/systemd/system"));
  root.write("/usr/lib/systemd/system/postfix.service", "[Service]\nType=forking\n");
  root.write("/usr/lib/systemd/system/postfix@.service", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\n");
  return root;
}

constexpr char kService[] = "/etc/systemd/system/postfix.service.d/zz-postmultid.conf";
constexpr char kTemplate[] = "/etc/systemd/system/postfix@.service.d/zz-postmultid.conf";
constexpr char kMask[] = "/etc/systemd/system-generators/postfix-instance-generator";

Member instance(const std::string& name, const std::string& directory, bool primary = false) {
  Member member;
  member.name = name;
  member.config_directory = directory;
  member.primary = primary;
  return member;
}

}  // namespace

TEST_CASE("Debian 12's units mean us, its generator is masked, and all of it is given back") {
  Root root = debian12();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  CHECK(facade.possible());
  CHECK(facade.files().size() == 3);
  for (int i = 0; i < 2; ++i) CHECK(facade.install());  // once more is no harm
  std::string service = root.read(kService);
  CHECK(service.find("ExecStop=\nExecStart=-/usr/bin/pmctl start --keep-desired --all\n") != std::string::npos);
  CHECK(service.find("ExecStop=/usr/bin/pmctl stop --keep-desired --all\n") != std::string::npos);
  CHECK(root.read(kTemplate).find("ExecStart=-/usr/bin/pmctl start -- %i\n") != std::string::npos);
  CHECK(std::filesystem::read_symlink(root.path(kMask)) == "/../dev/null");
  CHECK(facade.units() == std::vector<std::string>{"postfix@*.service"});
  CHECK(facade.loosen());
  CHECK(root.read(kService) == service);
  CHECK(root.read(kTemplate).find("KillMode=none") != std::string::npos);
  CHECK(facade.remove());
  CHECK(facade.remove());
  CHECK(root.files_in("/etc") == 0);
}

TEST_CASE("a mask that an administrator has put there is his, before and after") {
  Root root = debian12();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  std::filesystem::create_directories(std::filesystem::path(root.path(kMask)).parent_path());
  std::filesystem::create_symlink("/dev/null", root.path(kMask));
  CHECK(facade.install());
  CHECK(facade.remove());
  CHECK(std::filesystem::read_symlink(root.path(kMask)) == "/dev/null");
}

TEST_CASE("Debian 13 has no generator, and its instances are called by their directories") {
  Root root = debian13();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  CHECK(facade.files().size() == 2);
  CHECK(facade.install());
  CHECK(root.read(kTemplate).find("start -- /etc/postfix-%I\n") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(root.path(kMask)));
  CHECK(facade.unit_of(instance("postfix-out", "/etc/postfix-out")) == "postfix@out.service");
  CHECK(facade.unit_of(instance("x", "/etc/postfix-a-b")) == "postfix@a\\x2db.service");
  CHECK(facade.unit_of(instance("", "/etc/postfix", true)) == "postfix.service");
  CHECK(facade.units() == std::vector<std::string>{"postfix@*.service", "postfix.service"});
  CHECK_FALSE(facade.unit_of(instance("x", "/srv/postfix-x")));
}

TEST_CASE("Debian 12 calls an instance's unit by its name") {
  Root root = debian12();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  CHECK(facade.unit_of(instance("", "/etc/postfix", true)) == "postfix@-.service");
  CHECK(facade.unit_of(instance("postfix-out", "/etc/postfix-out")) == "postfix@postfix-out.service");
  CHECK_FALSE(facade.unit_of(instance("", "/etc/postfix-nameless")));
}

TEST_CASE("what an administrator has put beside ours stays, and a generator masked by him, too") {
  Root root = debian12();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  std::string theirs = "/etc/systemd/system/postfix.service.d/override.conf";
  root.write(theirs, "[Unit]\n");
  root.write(kMask, "#!/bin/sh\n");  // a generator of their own
  CHECK(facade.install());
  CHECK(facade.remove());
  CHECK(root.files_in("/etc") == 2);
}

TEST_CASE("without systemd, or without units, there is nothing to do") {
  Root root = debian12();
  std::filesystem::remove(root.path("/run/systemd/system"));
  CHECK_FALSE(Facade("/usr/bin/pmctl", root.directory.path()).possible());
  Root bare;
  std::filesystem::create_directories(bare.path("/run/systemd/system"));
  CHECK_FALSE(Facade("/usr/bin/pmctl", bare.directory.path()).possible());
}

TEST_CASE("for a moment the start of an instance's unit only takes in what runs already") {
  Root root = debian12();
  Facade facade("/usr/bin/pmctl", root.directory.path());
  postmultid::model::Proof master;
  master.pid = 4711;
  master.lock_file = "/var/spool/postfix/pid/master.pid";
  master.executable = "/usr/lib/postfix/sbin/master";
  for (const char* unit : {"postfix@-.service", "postfix@postfix-out.service"}) CHECK(facade.pretend(unit, master));
  CHECK(root.files_in("/run") == 2);
  CHECK(root.read("/run/systemd/system/postfix@-.service.d/zz-postmultid-handback.conf").find("/proc/4711/exe") !=
        std::string::npos);
  CHECK(root.read("/run/systemd/system/postfix@-.service.d/zz-postmultid-handback.conf")
            .find("\nPIDFile=/var/spool/postfix/pid/master.pid\n") != std::string::npos);
  for (int i = 0; i < 2; ++i) CHECK(facade.end_pretence());
  CHECK(root.files_in("/run") == 0);
}
