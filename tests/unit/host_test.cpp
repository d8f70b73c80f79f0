#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <limits>

#include "host/atomic_file.hpp"
#include "host/bus.hpp"
#include "host/cgroup.hpp"
#include "host/children.hpp"
#include "host/deadline.hpp"
#include "host/exit.hpp"
#include "host/inotify.hpp"
#include "host/kernel_log.hpp"
#include "host/lock.hpp"
#include "host/log_mark.hpp"
#include "host/memory_cgroup.hpp"
#include "host/notify.hpp"
#include "host/own_file.hpp"
#include "host/proc.hpp"
#include "host/process.hpp"
#include "host/scopes.hpp"
#include "host/sockets.hpp"
#include "host/temporary_directory.hpp"
#include "host/watch.hpp"

using namespace postmultid::host;

namespace {

/// Runs a command to its end on a loop of its own.
Ended run(Command command, std::chrono::milliseconds limit = std::chrono::seconds(20), bool* in_time = nullptr) {
  asio::io_context loop;
  Children children(loop);
  Ended result{-1, "not run", ""};
  auto body = [&]() -> asio::awaitable<void> {
    auto ended = co_await within(limit, children.run(std::move(command)));
    if (in_time) *in_time = ended.has_value();
    if (ended && *ended) result = **ended;
    loop.stop();
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run();
  return result;
}

Command shell(const std::string& script) { return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, false}; }

}  // namespace

TEST_CASE("a stat line is understood, whatever the process calls itself") {
  auto stat = parse_stat("42 (a) R (b)) S 7 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1 2 3");
  REQUIRE(stat);
  CHECK(stat->state == 'S');
  CHECK(stat->parent == 7);
  CHECK(stat->session == 41);
  CHECK(stat->start_ticks == 123456);
  for (const char* wrong : {"", "42", "42 (x)", "42 (x) S 1 2", ")", "42 (x) S a b c"}) CHECK_FALSE(parse_stat(wrong));
}

TEST_CASE("our own process is seen as it is") {
  auto stat = process_stat(::getpid());
  REQUIRE(stat);
  CHECK(stat->parent == ::getppid());
  CHECK(executable(::getpid()) == std::filesystem::read_symlink("/proc/self/exe").string());
  CHECK(working_directory(::getpid()) == file_id("."));
  auto age = std::chrono::system_clock::now() - *started_at(stat->start_ticks);
  CHECK(age >= std::chrono::seconds(-1));
  CHECK(age < std::chrono::minutes(10));
}

TEST_CASE("only an exclusive flock of that very process counts") {
  CHECK(shows_exclusive_flock("pos:\t0\nflags:\t02100002\nlock:\t1: FLOCK  ADVISORY  WRITE 42 00:2a:77 0 EOF\n", 42));
  CHECK_FALSE(shows_exclusive_flock("lock:\t1: FLOCK  ADVISORY  WRITE 43 00:2a:77 0 EOF\n", 42));
  CHECK_FALSE(shows_exclusive_flock("lock:\t1: FLOCK  ADVISORY  READ 42 00:2a:77 0 EOF\n", 42));
  CHECK_FALSE(shows_exclusive_flock("lock:\t1: POSIX  ADVISORY  WRITE 42 00:2a:77 0 EOF\n", 42));
  CHECK_FALSE(shows_exclusive_flock("", 42));

  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  Fd file(::open((directory->path() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  auto id = file_id(directory->path() + "/lock");
  CHECK_FALSE(holds_flock(::getpid(), file.get(), *id));
  REQUIRE(::flock(file.get(), LOCK_EX) == 0);
  CHECK(holds_flock(::getpid(), file.get(), *id));
  CHECK_FALSE(holds_flock(::getpid(), file.get(), *file_id("/etc/passwd")));
}

TEST_CASE("a socket's inode is read from its link") {
  CHECK(socket_inode("socket:[12345]") == 12345);
  for (const char* wrong : {"", "socket:[]", "socket:[12", "socket:[12x]", "pipe:[12345]", "/tmp/socket:[1]"})
    CHECK_FALSE(socket_inode(wrong));
}

TEST_CASE("a wait status in words") {
  CHECK(describe_wait_status(9).signal_name == "SIGKILL");
  CHECK_FALSE(describe_wait_status(9).status.has_value());
  CHECK(describe_wait_status(3 << 8).status == 3);
  CHECK(describe_wait_status(0).status == 0);
  CHECK_FALSE(describe_wait_status(SIGSEGV).core_dumped);
  CHECK(describe_wait_status(SIGSEGV | 0x80).core_dumped);
}

TEST_CASE("a command's output, errors and status come back, each in its place") {
  Ended ended = run(shell("echo out; echo err >&2; exit 3"));
  CHECK(ended.output == "out\n");
  CHECK(ended.errors == "err\n");
  CHECK(WEXITSTATUS(ended.wait_status) == 3);
}

TEST_CASE("a command starts with a clean slate, and with a terminal if it is wanted") {
  ::signal(SIGPIPE, SIG_IGN);
  int leak = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, on purpose
  Ended ended = run(
      shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; test -t 2 && echo terminal"));
  ::close(leak);
  CAPTURE(ended.output);
  CHECK(ended.output.find("SigBlk:\t0000000000000000") != std::string::npos);
  // glibc's posix_spawn leaves its own two signals, 32 and 33, ignored; every glibc program sets them itself.
  unsigned long ignored = std::stoul(ended.output.substr(ended.output.find("SigIgn:\t") + 8), nullptr, 16);
  CHECK((ignored & ~0x180000000ul) == 0);
  CHECK(ended.output.find("0 1 2 3 ") != std::string::npos);  // 3 is the directory that ls reads
  CHECK(ended.output.find("0 1 2 3 4") == std::string::npos);
  Command with_terminal = shell("test -t 2 && echo terminal");
  with_terminal.terminal = true;
  if (::access("/dev/pts/ptmx", F_OK) == 0) CHECK(run(std::move(with_terminal)).output.starts_with("terminal"));
}

TEST_CASE("a daemon that a command leaves behind does not keep us waiting for its output") {
  auto begin = std::chrono::steady_clock::now();
  Ended ended = run(shell("sleep 5 & echo started"));
  CHECK(ended.output == "started\n");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(4));
}

TEST_CASE("a command that exceeds its limit is killed with its family") {
  auto directory = TemporaryDirectory::make();
  std::string pid_file = directory->path() + "/pid";
  bool in_time = true;
  run(shell("setsid sh -c 'echo $$ >" + pid_file + "; exec sleep 60' & echo $! >/dev/null; wait"),
      std::chrono::seconds(1), &in_time);
  CHECK_FALSE(in_time);
  auto text = read_small_file(pid_file);
  REQUIRE(text);
  auto process = Process::open(std::stoi(*text));
  pollfd end{process ? process->pidfd() : -1, POLLIN, 0};
  bool gone = !process || ::poll(&end, 1, 10'000) == 1;
  CHECK(gone);
}

TEST_CASE("a program that cannot be executed is an error that names it") {
  asio::io_context loop;
  Children children(loop);
  std::string message;
  auto body = [&]() -> asio::awaitable<void> {
    Command command{{"/no/such/program"}, {}, false};
    auto ended = co_await children.run(std::move(command));
    if (!ended) message = ended.error().message;
    loop.stop();
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run();
  CHECK(message == "execute /no/such/program: No such file or directory");
}

TEST_CASE("output beyond 64 KiB keeps its end") {
  Ended ended = run(shell(
      "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo END"));
  CHECK(ended.output.size() <= 65536);
  CHECK(ended.output.ends_with("END\n"));
}

TEST_CASE("a process is not mistaken for another once it has ended") {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  auto process = Process::open(pid);
  REQUIRE(process);
  ::waitpid(pid, nullptr, 0);
  CHECK_FALSE(process->alive());
  CHECK_FALSE(process->signal(SIGTERM).has_value());
}

TEST_CASE("the end and the reaping of one process wake nobody who waits for another") {
  asio::io_context loop;
  pid_t short_lived = ::fork();
  if (short_lived == 0) ::_exit(0);
  pid_t long_lived = ::fork();
  if (long_lived == 0) {
    ::pause();
    ::_exit(0);
  }
  auto first = Process::open(short_lived), second = Process::open(long_lived);
  REQUIRE(first);
  REQUIRE(second);
  bool woken = false;
  auto wait_for_second = [&]() -> asio::awaitable<void> {
    co_await ended(*second);
    woken = true;
  };
  auto body = [&]() -> asio::awaitable<void> {
    co_await ended(*first);
    asio::co_spawn(loop, wait_for_second(), asio::detached);
    co_await pause(std::chrono::milliseconds(10));
    ::waitpid(short_lived, nullptr, 0);  // its pidfd, still open in `first`, reports this too (Linux 6.15)
    co_await pause(std::chrono::milliseconds(50));
    CHECK_FALSE(woken);
    ::kill(long_lived, SIGKILL);
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run_for(std::chrono::seconds(10));
  ::waitpid(long_lived, nullptr, 0);
  CHECK(woken);
}

TEST_CASE("our own listening socket is found and written as people write it") {
  CHECK(ListeningSocket{1, "*", 25}.endpoint() == "*:25");
  CHECK(ListeningSocket{1, "::1", 25}.endpoint() == "[::1]:25");
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  auto sockets = listening_sockets();
  REQUIRE(sockets);
  auto held = held_by(::getpid(), *sockets);
  bool found = false;
  for (const auto& socket : held)
    found |= socket.port == acceptor.local_endpoint().port() && socket.address == "127.0.0.1";
  CHECK(found);
}

TEST_CASE("how a process ended that is reaped already is told by the kernel, where it can") {
  pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  auto process = Process::open(child);
  REQUIRE(process);
  int wait_status = 0;
  REQUIRE(::waitpid(child, &wait_status, 0) == child);
  auto told = process->wait_status();
  CHECK(told.has_value() == Process::tells_wait_status());
  if (told) CHECK(*told == wait_status);
}

TEST_CASE("what happens to a file in a watched directory is told, by replacement or by writing, and only there") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::filesystem::create_directory(directory->path() + "/other");
  asio::io_context loop;
  DirectoryWatch watch(loop);
  CHECK(watch.watch({directory->path(), "/no/such/directory"}) == std::vector<std::string>{"/no/such/directory"});
  std::vector<std::string> seen;
  auto body = [&]() -> asio::awaitable<void> {
    std::ofstream(directory->path() + "/other/unseen") << "x";
    std::ofstream(directory->path() + "/.new") << "x";
    std::filesystem::rename(directory->path() + "/.new", directory->path() + "/main.cf");
    auto changes = co_await within(std::chrono::seconds(10), watch.changes());
    REQUIRE(changes);
    for (const Change& change : *changes) seen.push_back(change.name);
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run();
  CHECK(std::find(seen.begin(), seen.end(), "main.cf") != seen.end());
  CHECK(std::find(seen.begin(), seen.end(), "unseen") == seen.end());

  // Not watched any more: nothing is told.
  watch.watch({});
  std::ofstream(directory->path() + "/main.cf") << "y";
  CHECK(watch.pending().empty());
}

namespace {

void write_to(const std::string& path, const std::string& text, std::ios::openmode how = std::ios::app) {
  std::ofstream(path, how) << text;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("of a log only what was written since the mark is read, and only whole lines") {
  auto directory = TemporaryDirectory::make();
  std::string path = directory->path() + "/mail.log";
  CHECK(lines_since(end_of(path), 1000).empty());
  FilePlace none = end_of(path);
  write_to(path, "old\n");
  FilePlace mark = end_of(path);
  CHECK(lines_since(mark, 1000).empty());
  write_to(path, "new 1\nnew 2\ncut");
  CHECK(lines_since(mark, 1000) == Lines{"new 1", "new 2"});
  CHECK(lines_since(none, 1000) == Lines{"old", "new 1", "new 2"});
  CHECK(lines_since(mark, 8) == Lines{});
  CHECK(lines_since(mark, 12) == Lines{"new 2"});
}

TEST_CASE("a log that is rotated is read on where it was renamed to, and in the new file") {
  auto directory = TemporaryDirectory::make();
  std::string path = directory->path() + "/mail.log";
  write_to(path, "old\n");
  FilePlace mark = end_of(path);
  write_to(path, "before\n");
  std::filesystem::rename(path, path + "-20261125");
  CHECK(lines_since(mark, 1000) == Lines{"before"});
  write_to(path, "after\n");
  CHECK(lines_since(mark, 1000) == Lines{"before", "after"});
}

TEST_CASE("a log that is cut is read from its beginning, and nothing that is no file is read") {
  auto directory = TemporaryDirectory::make();
  std::string path = directory->path() + "/mail.log";
  write_to(path, "a long old line\n");
  FilePlace mark = end_of(path);
  write_to(path, "new\n", std::ios::trunc);
  CHECK(lines_since(mark, 1000) == Lines{"new"});
  std::filesystem::remove(path);
  CHECK(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(lines_since(mark, 1000).empty());
  CHECK_FALSE(end_of(path).file);
}

TEST_CASE("the kernel's word about the OOM killer counts for the process that it names") {
  std::string record =
      "3,1234,98765432,-;Memory cgroup out of memory: Killed process 42 (master) total-vm:43064kB, anon-rss:512kB\n";
  auto parsed = parse_kernel_record(record, 42);
  REQUIRE(parsed);
  CHECK(parsed->microseconds == 98765432);
  CHECK(parsed->oom_kill);
  CHECK_FALSE(parse_kernel_record(record, 4)->oom_kill);
  CHECK_FALSE(parse_kernel_record(record, 421)->oom_kill);
  CHECK(parse_kernel_record("3,1,2,-,caller=T1;Out of memory: Killed process 7 (x)", 7)->oom_kill);
  // What a program writes there has a facility of its own.
  CHECK_FALSE(parse_kernel_record("12,1,2,-;Out of memory: Killed process 7 (x)", 7)->oom_kill);
  CHECK_FALSE(parse_kernel_record("3,1,2,-;x: Killed process 7 (x)", 7)->oom_kill);
  CHECK_FALSE(parse_kernel_record("nonsense", 7));
  CHECK_FALSE(parse_kernel_record("3,1,2,-", 7));
}

TEST_CASE("the OOM killer's count is that of the process's memory cgroup, of either version") {
  CHECK(oom_counter_in("0::/system.slice/postfix.scope\n") ==
        "/sys/fs/cgroup/system.slice/postfix.scope/memory.events");
  CHECK(oom_counter_in("9:name=systemd:/\n4:memory:/a/b\n0::/\n") == "/sys/fs/cgroup/memory/a/b/memory.oom_control");
  CHECK(oom_counter_in("0::/\n") == "/sys/fs/cgroup/memory.events");
  CHECK(oom_counter_in("").empty());
  CHECK(oom_counter_in("nonsense\n::\n").empty());
  CHECK(parse_oom_kills("low 0\nhigh 0\nmax 0\noom 3\noom_kill 2\noom_group_kill 0\n") == 2);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n") == 7);
  CHECK_FALSE(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\n"));
  CHECK_FALSE(parse_oom_kills("oom_kill x"));
}

namespace {

/// What a call to a bus at this path comes to.
Reply call_at(const std::string& path) {
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
  asio::io_context loop;
  Bus bus(loop, [] {});
  bus.listen("type='signal',member='Something'", [](sd_bus_message*) {});
  Reply reply;
  auto body = [&]() -> asio::awaitable<void> {
    Method method{"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                  "GetUnit"};
    Bus::Arguments arguments = [](sd_bus_message* call) { return ::sd_bus_message_append(call, "s", "x.service"); };
    reply = co_await bus.call(std::move(method), std::move(arguments), std::chrono::milliseconds(50));
    loop.stop();
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run();
  ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  return reply;
}

}  // namespace

TEST_CASE("a bus that is not there, does not answer or hangs up keeps nobody waiting, and may be asked again") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/bus";
  auto gone = [&] {
    Reply reply = call_at(path);
    return !reply && reply.error().gone();
  };
  CHECK(gone());
  asio::io_context loop;
  asio::local::stream_protocol::acceptor silent(loop, path);
  CHECK(gone());
  silent.close();
  CHECK(gone());
}

TEST_CASE("a process's cgroup is that of version 2, wherever it is mounted") {
  CHECK(cgroup_path_in("0::/system.slice/cron.service\n") == "/system.slice/cron.service");
  CHECK(cgroup_path_in("9:name=systemd:/a\n4:memory:/b\n0::/\n") == "/");
  CHECK_FALSE(cgroup_path_in("4:memory:/b\n"));
  CHECK_FALSE(cgroup_path_in(""));

  auto plain = cgroup_mount_in("25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  REQUIRE(plain);
  CHECK(plain->directory_of("/") == "/sys/fs/cgroup");
  CHECK(plain->directory_of("/system.slice/a.scope") == "/sys/fs/cgroup/system.slice/a.scope");
  CHECK_FALSE(plain->directory_of("/../outside"));  // of our namespace

  auto hybrid = cgroup_mount_in(
      "30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n31 30 0:27 / /mnt/cg rw - cgroup2 none rw\n"
      "32 30 0:27 / /sys/fs/cgroup/unified rw master:1 propagate_from:2 - cgroup2 cgroup2 rw\n"
      "33 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  REQUIRE(hybrid);
  CHECK(hybrid->point == "/sys/fs/cgroup/unified");

  auto part = cgroup_mount_in("31 30 0:27 /docker/a\\040b /sys/fs/cgroup rw - cgroup2 none rw\n");
  REQUIRE(part);
  CHECK(part->directory_of("/docker/a b") == "/sys/fs/cgroup");
  CHECK(part->directory_of("/docker/a b/c") == "/sys/fs/cgroup/c");
  CHECK_FALSE(part->directory_of("/docker/a bc"));
  CHECK_FALSE(cgroup_mount_in("33 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\nnonsense\n"));
}

TEST_CASE("a cgroup's files say what its processes use, or that it is not available") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(directory->path() + "/" + name) << text;
  };
  Cgroup cgroup(directory->path());
  CHECK_FALSE(cgroup.populated());
  CHECK_FALSE(cgroup.usage().memory_bytes);
  CHECK_FALSE(cgroup.usage().cpu_seconds);
  write("cgroup.events", "populated 1\nfrozen 0\n");
  write("memory.current", "1048576\n");
  write("pids.current", "7\n");
  write("cpu.stat", "usage_usec 2500000\nuser_usec 1\n");
  write("memory.max", "max\n");
  write("pids.max", "12x\n");
  CHECK(cgroup.populated());
  CHECK(cgroup.usage().memory_bytes == 1048576);
  CHECK(cgroup.usage().tasks == 7);
  CHECK(cgroup.usage().cpu_seconds == 2.5);
  CHECK(cgroup.number("memory.max") == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(cgroup.number("pids.max"));
  // Who is in it, here and below, and lives.
  write("cgroup.procs", std::to_string(::getpid()) + "\n0\n");
  std::filesystem::create_directory(directory->path() + "/below");
  std::ofstream(directory->path() + "/below/cgroup.procs") << ::getppid() << "\n";
  std::vector<pid_t> pids;
  for (const Process& process : cgroup.processes()) pids.push_back(process.pid());
  CHECK(pids == std::vector<pid_t>{::getpid(), ::getppid()});
  CHECK(Cgroup().processes().empty());
  CHECK_FALSE(Cgroup().kill());
}

TEST_CASE("names are escaped for units as systemd-escape does it") {
  for (std::string text : {"postfix-out", "/etc/postfix/a", ".hidden", "a.b_c:d", "x!@%=+\\", "ä"}) {
    std::string escaped = escaped_for_unit(text);
    CAPTURE(text);
    CHECK(std::all_of(escaped.begin(), escaped.end(), [](unsigned char c) { return std::isprint(c); }));
    if (::access("/usr/bin/systemd-escape", X_OK) == 0)
      CHECK(run({{"/usr/bin/systemd-escape", "--", text}, {}, false}).output == escaped + "\n");
  }
  CHECK(escaped_for_unit("postfix-out", true) == "postfix-out");
  CHECK(escaped_for_unit("postfix-a@b", true) == "postfix-a\\x40b");
}

namespace {

Settle settled_by(std::function<void(pid_t)> look) {
  return [look = std::move(look)](pid_t child) -> asio::awaitable<void> {
    look(child);
    co_return;
  };
}

}  // namespace

TEST_CASE("a child that is to be settled has executed nothing before, and is as any other afterwards") {
  pid_t settled = 0;
  std::string before;
  Command command =
      shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; echo err >&2; exit 3");
  command.settle = settled_by([&](pid_t child) {
    settled = child;
    before = executable(child);
  });
  Ended ended = run(std::move(command));
  CHECK(settled > 0);
  CHECK(before == executable(::getpid()));
  CHECK(WEXITSTATUS(ended.wait_status) == 3);
  CHECK(ended.errors == "err\n");
  CHECK(ended.output.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(ended.output.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(ended.output.find("0 1 2 3 ") != std::string::npos);
  CHECK(ended.output.find("0 1 2 3 4") == std::string::npos);
}

TEST_CASE(
    "a program that cannot be executed is named also after its child was settled, and one that was killed is dead") {
  asio::io_context loop;
  Children children(loop);
  std::string message;
  int status = 0;
  auto body = [&]() -> asio::awaitable<void> {
    Command none{{"/no/such/program"}, {}, false, "/", settled_by([](pid_t) {})};
    auto ended = co_await children.run(std::move(none));
    if (!ended) message = ended.error().message;
    Command killed = shell("exit 0");
    killed.settle = settled_by([](pid_t child) { ::kill(child, SIGKILL); });
    auto dead = co_await children.run(std::move(killed));
    if (dead) status = dead->wait_status;
    loop.stop();
  };
  asio::co_spawn(loop, body(), asio::detached);
  loop.run();
  CHECK(message.find("/no/such/program") != std::string::npos);
  CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a systemd that does not read is not waited for, and told when it reads again") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/notify";
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  auto here = reinterpret_cast<const sockaddr*>(&address);
  Fd systemd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(::bind(systemd.get(), here, sizeof(address)) == 0);
  auto heard = [&] {
    std::array<char, 256> text{};
    auto size = ::recv(systemd.get(), text.data(), text.size(), 0);
    return std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  };
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  asio::io_context loop;
  notify_from(loop);
  notify_status("at once");
  CHECK(heard() == "STATUS=at once");

  Fd others(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  while (::sendto(others.get(), "x", 1, 0, here, sizeof(address)) == 1) {
  }
  notify_status("one");
  feed_watchdog();
  notify_ready();
  CHECK(keep_descriptor(others.get(), "control"));
  notify_status("two");
  loop.poll();
  while (heard() == "x") {
  }
  loop.run();  // returns: nothing waits any more
  CHECK(heard() == "WATCHDOG=1");
  CHECK(heard() == "READY=1");
  CHECK(heard() == "FDSTORE=1\nFDNAME=control");
  CHECK(heard() == "STATUS=two");
  CHECK(heard().empty());

  notify_status("again");
  CHECK(heard() == "STATUS=again");
  systemd = Fd();
  CHECK_FALSE(keep_descriptor(others.get(), "control"));
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("what others may have written is not believed") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/state.json";
  auto read = [&] { return read_own_file(path, 100); };
  REQUIRE(read());
  CHECK_FALSE(*read());  // there is none
  REQUIRE(replace_own_file(path, "ours"));
  REQUIRE(read());
  CHECK(*read() == "ours");
  SUBCASE("in a directory that others may write to") {
    ::chmod(directory->path().c_str(), 01777);
    CHECK(read().error().message.starts_with(directory->path() + " may be written by others"));
    CHECK_FALSE(replace_own_file(path, "new"));
    CHECK(replace_file(path, "new"));
  }
  SUBCASE("in one that is somebody's") {
    REQUIRE(::chown(directory->path().c_str(), 65534, 65534) == 0);
    CHECK_FALSE(read());
  }
  SUBCASE("by way of a link") {
    std::filesystem::create_symlink(directory->path(), directory->path() + "/link");
    CHECK_FALSE(read_own_file(directory->path() + "/link/state.json", 100));
    std::filesystem::create_symlink(path, directory->path() + "/other");
    CHECK_FALSE(read_own_file(directory->path() + "/other", 100));
  }
  SUBCASE("somebody's file") {
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK_FALSE(read());
  }
  SUBCASE("that all may write to") {
    ::chmod(path.c_str(), 0666);
    CHECK_FALSE(read());
  }
  SUBCASE("a fifo") {
    std::filesystem::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK_FALSE(read());
  }
  SUBCASE("nor what is longer than it can be") {
    REQUIRE(replace_own_file(path, std::string(101, 'x')));
    CHECK_FALSE(read());
  }
}

TEST_CASE("a file that cannot be replaced stays, and what is said is why") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/file";
  REQUIRE(replace_file(path, "old"));
  auto below_a_file = replace_file(path + "/below/it", "x");
  REQUIRE_FALSE(below_a_file);
  CHECK(below_a_file.error().message == "create " + path + "/below: Not a directory");

  // As much as there is room for is written before anything is said.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small{4096, before.rlim_max};
  auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  errno = 0;
  auto written = replace_file(path, std::string(10000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(written);
  CHECK(written.error().number == EFBIG);
  CHECK(*read_small_file(path) == "old");
  CHECK_FALSE(std::filesystem::exists(directory->path() + "/.file"));
}

TEST_CASE("a lock is a file's; whatever else has its name is not waited for") {
  auto directory = TemporaryDirectory::make();
  REQUIRE(directory);
  std::string path = directory->path() + "/lock";
  CHECK(take_lock(path));
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  auto taken = take_lock(path);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message.find("is no file") != std::string::npos);
}
