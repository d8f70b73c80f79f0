#include "postfix/stale_tables.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "host/temporary_directory.hpp"

using namespace postmultid;
using namespace postmultid::postfix;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> named(const std::string& main_cf, const std::string& master_cf = "") {
  Instance instance;
  instance.config_directory = "/etc/postfix-x";
  instance.data_directory = "/var/lib/postfix-x";
  return tables_named({main_cf, master_cf}, instance);
}

using Tables = std::vector<std::string>;

}  // namespace

TEST_CASE("tables are found wherever main.cf and master.cf can name them") {
  CHECK(named("alias_maps = hash:/etc/aliases\nalias_database = $alias_maps\n") == Tables{"hash:/etc/aliases"});
  CHECK(named("a = proxy:btree:${config_directory}/b, lmdb:$data_directory/c\n  cdb:$(config_directory)/d\n") ==
        Tables{"btree:/etc/postfix-x/b", "lmdb:/var/lib/postfix-x/c", "cdb:/etc/postfix-x/d"});
  CHECK(named("maps = /etc/maps\nt = hash:$maps/t\nmaps = /srv\n") == Tables{"hash:/srv/t"});
  CHECK(named("",
              "smtp inet n - - - - smtpd -o x=check_client_access,hash:/a -o { y = check_sender_access hash:/b }\n"
              "  -o {z=hash:/c}\n") == Tables{"hash:/a", "hash:/b", "hash:/c"});
}

TEST_CASE("what is no table of a source, or whose path is not known, is left out") {
  CHECK(named("a = pcre:/etc/a, static:x, texthash:/etc/b, inet:/c, hash:relative, memcache:/etc/d, rehash:/e\n")
            .empty());
  CHECK(named("# hash:/a\na = hash:$unknown/a, hash:${b?{/c}}, hash:$a\nc = $c\nd = hash:$c/d\n").empty());
  CHECK(named("l1 = $l2$l2\nl2 = $l3$l3\nl3 = $l1$l1\nt = hash:/$l1\n").empty());
}

TEST_CASE("a table is stale when its source is newer, or nothing was made of it; not while somebody is at it") {
  auto place = *host::TemporaryDirectory::make();
  std::string source = place.path() + "/t", table = "hash:" + source;
  auto now = std::chrono::system_clock::now();
  auto write = [&](const std::string& file, int seconds_ago) {
    std::ofstream(file) << "x";
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::seconds(seconds_ago));
  };
  CHECK(stale_tables({table}, now).empty());  // no source: made otherwise
  write(source, 200);
  CHECK(stale_tables({table}, now) == Tables{table});
  write(source + ".db", 300);
  CHECK(stale_tables({table}, now) == Tables{table});
  write(source + ".db", 150);
  CHECK(stale_tables({table}, now).empty());
  write(source, 50);
  CHECK(stale_tables({table}, now).empty());
  CHECK(stale_tables({table}, now + std::chrono::seconds(60)) == Tables{table});
}
