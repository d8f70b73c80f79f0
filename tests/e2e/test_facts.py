"""What postmultid takes for granted about Postfix and Linux, tried on the ones that are here: see docs/postfix-facts.md.

A failure here means that postmultid must not be trusted with this version before somebody has looked at what changed.
Nothing of ours runs in these tests.
"""
import array
import ctypes
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from lab import smtp
from lab.processes import LISTEN, children, executable, postfix_processes, processes
from lab.recorder import Recorder
from lab.waiting import until, until_exit


# ---------------------------------------------------------------------------------------------------- tools

class Instance(NamedTuple):
    config: Path
    queue: Path

    @property
    def pid_file(self):
        return self.queue / "pid/master.pid"

    @property
    def pid(self):
        return int(self.pid_file.read_text())


PRIMARY = Instance(Path("/etc/postfix"), Path("/var/spool/postfix"))
OUT = Instance(Path("/etc/postfix-out"), Path("/var/spool/postfix-out"))
IN = Instance(Path("/etc/postfix-in"), Path("/var/spool/postfix-in"))


class Done(NamedTuple):
    code: int
    output: str
    error: str = ""


def run(*argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    return Done(done.returncode, done.stdout, done.stderr)


def on_terminal(*argv):
    """The same, with a terminal for standard output and error."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:   # how a terminal ends
        pass
    os.close(ours)
    return Done(process.wait(), output.decode().replace("\r\n", "\n"))


def postconf(*arguments):
    done = run("postconf", *arguments)
    assert done.code == 0, done.error
    return done.output


def configure(instance, *settings):
    postconf("-c", instance.config, *settings)
    for file in ("main.cf", "master.cf"):
        os.utime(instance.config / file, (1, 1))   # Postfix waits until main.cf is two seconds old


def break_master_cf(instance):
    """Returns the number of the line that is wrong now."""
    file = instance.config / "master.cf"
    file.write_text(file.read_text() + "submission inet n - y - smtpd\n")
    return len(file.read_text().splitlines())


def daemon_directory(instance=IN):
    return Path(postconf("-c", instance.config, "-h", "daemon_directory").strip())


def mail_version():
    return tuple(int(number) for number in postconf("-c", IN.config, "-h", "mail_version").split(".")[:2])


def master_command(instance, *options):
    return [daemon_directory() / "master", "-c", instance.config, *options]


def start(instance):
    done = run(*master_command(instance, "-w"))
    assert done == (0, "", ""), done
    return instance.pid


def stop(pid):
    """Until nothing of the master's session is left: a child that has not executed its program yet holds the lock, too."""
    os.kill(pid, signal.SIGTERM)
    until(lambda: not of_session(pid), within=5, what="the session is over")


def of_session(session):
    """The commands that run in a session, by pid."""
    return {process.pid: process.command for process in processes() if process.session == session and process.state != "Z"}


class Listener(NamedTuple):
    address: str   # as /proc/net/tcp writes it
    port: int
    waiting: int   # connections that nobody has accepted yet


def listeners():
    """The listening TCP sockets by inode."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == LISTEN:
                address, port = fields[1].rsplit(":", 1)
                found[int(fields[9])] = Listener(address, int(port, 16), int(fields[4].split(":")[1], 16))
    return found


def socket_descriptors(pid):
    """The descriptors of a process that are sockets, by inode."""
    found = {}
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(entry.path)
        except FileNotFoundError:   # closed meanwhile
            continue
        if named := re.fullmatch(r"socket:\[(\d+)\]", link):
            found[int(named[1])] = int(entry.name)
    return found


def held_ports(pid):
    held = socket_descriptors(pid)
    return sorted({listener.port for inode, listener in listeners().items() if inode in held})


def connect_to(instance, service, directory="public"):
    """A connection to a socket of the instance, addressed through a descriptor as long paths need it."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    handle = os.open(instance.queue / directory, os.O_PATH)
    try:
        connection.connect(f"/proc/self/fd/{handle}/{service}")
    finally:
        os.close(handle)
    return connection


def signals(pid, field):
    """One of the signal sets in /proc/PID/status."""
    mask = int(re.search(rf"^{field}:\s+(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def become_subreaper():
    assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0   # PR_SET_CHILD_SUBREAPER


@pytest.fixture
def syslog():
    with Recorder() as recorder:
        yield recorder


# ---------------------------------------------------------------------------------------------------- postmulti

def test_one_broken_instance_makes_postmulti_and_bare_postfix_fail_for_all():
    start(IN)
    assert run("postfix", "-c", IN.config, "status").code == 0
    break_master_cf(OUT)
    assert run("postmulti", "-l").code == 1
    assert run("postfix", "status").code == 1
    assert run("postfix", "-c", IN.config, "status").code == 0


def test_postmulti_orders_names_and_enables_instances_as_we_do():
    def listed():
        return [(line.split()[0], line.split()[2]) for line in run("postmulti", "-l").output.splitlines()]

    configure(PRIMARY, "-e", f"multi_instance_directories = {IN.config}, {OUT.config}")
    configure(IN, "-e", "multi_instance_enable = YES")
    configure(OUT, "-X", "multi_instance_enable")
    assert listed() == [("-", "y"), ("postfix-in", "y"), ("postfix-out", "n")]
    for typed, meant in (("out", OUT), ("postfix-out", OUT), (OUT.config, OUT), ("-", PRIMARY)):
        assert run("postmulti", "-i", typed, "-x", "postconf", "-h", "queue_directory").output.strip() == str(meant.queue)

    configure(PRIMARY, "-e", "multi_instance_directories =", "multi_instance_enable = no")
    assert listed() == [("-", "y")]


MAIL_QUEUES = {"maildrop", "incoming", "active", "deferred", "hold", "corrupt", "saved"}
OTHER_DIRECTORIES = {"bounce", "defer", "flush", "pid", "private", "public", "trace"}


def postmulti_script(action, directories, **more):
    """What postmulti runs for -e, by the contract that is written at the script's top."""
    shared = ("command_directory", "daemon_directory", "meta_directory", "shlib_directory")
    asked = dict(line.split(" = ") for line in postconf("-x", *shared).splitlines())
    environment = {"PATH": os.environ["PATH"], "MAIL_CONFIG": str(PRIMARY.config), **asked,
                   "multi_instance_directories": " ".join(map(str, directories)), **more}
    return run(daemon_directory() / "postmulti-script", "-e", action, env=environment)


def test_postmultis_script_needs_no_sibling_and_registers_before_it_is_done(tmp_path):
    break_master_cf(OUT)
    new = {f"{kind}_directory": str(tmp_path / kind) for kind in ("config", "queue", "data")}
    done = postmulti_script("create", [OUT.config, new["config_directory"], IN.config], multi_instance_name="postfix-x", **new)
    assert done.code == 0, done
    assert postconf("-h", "multi_instance_directories").split()[1] == new["config_directory"]
    assert {path.name for path in (tmp_path / "queue").iterdir()} == MAIL_QUEUES | OTHER_DIRECTORIES
    said = postconf("-c", new["config_directory"], "-n")
    assert "multi_instance_name = postfix-x" in said and "master_service_disable = inet" in said
    assert "multi_instance_enable" not in said
    # A main.cf without a master.cf is written over.
    (tmp_path / "config/master.cf").unlink()
    (tmp_path / "config/main.cf").write_text("# my own words\n")
    # In the list, though its directories could not be made.
    failed = postmulti_script("create", [tmp_path / "config"], **(new | {"queue_directory": "/proc/nowhere"}))
    assert failed.code != 0 and (tmp_path / "config/main.cf").read_text() == "# my own words\n"
    assert postmulti_script("create", [tmp_path / "config"], **new).code == 0
    assert "my own words" not in (tmp_path / "config/main.cf").read_text()
    shutil.rmtree(tmp_path / "queue")
    assert postmulti_script("import", [tmp_path / "config", IN.config], **new).code != 0
    assert postconf("-h", "multi_instance_directories").split() == [str(tmp_path / "config"), str(IN.config)]
    # Before it is told that there are to be several.
    configure(PRIMARY, "-e", "multi_instance_wrapper =")
    assert postmulti_script("create", [tmp_path / "config"], **new).code != 0


def test_postmulti_destroys_an_instance_that_has_mail():
    configure(IN, "-e", "multi_instance_enable = no")
    mail = IN.queue / "hold/ABCDEF"
    mail.write_text("mail")
    assert run("postmulti", "-i", "in", "-e", "destroy").code == 0
    assert mail.exists() and not (IN.config / "main.cf").exists()


# ---------------------------------------------------------------------------------------------------- postconf

def test_an_empty_configuration_is_enough_to_ask_for_the_primarys_directory(tmp_path):
    for file in ("main.cf", "master.cf"):
        (tmp_path / file).touch()
    break_master_cf(PRIMARY)
    assert postconf("-c", tmp_path, "-dh", "config_directory") == f"{PRIMARY.config}\n"


def test_an_error_in_master_cf_silences_postconf_and_is_told_with_its_place(tmp_path):
    line = break_master_cf(OUT)
    for question in (["-xc", OUT.config, "queue_directory"], ["-c", OUT.config, "-M"]):
        done = run("postconf", *question)
        assert done == (1, "", f"postconf: fatal: file {OUT.config}/master.cf: line {line}: bad field count\n")
    # A copy of main.cf beside an empty master.cf still answers.
    (tmp_path / "main.cf").write_bytes((OUT.config / "main.cf").read_bytes())
    (tmp_path / "master.cf").touch()
    assert postconf("-c", tmp_path, "-x", "queue_directory") == f"queue_directory = {OUT.queue}\n"


def test_postconf_prints_a_line_for_every_parameter_asked_for():
    configure(OUT, "-X", "multi_instance_enable", "multi_instance_group")
    configure(OUT, "-e", "base = /srv", "maillog_file = $base/mail = odd")
    asked = ["multi_instance_name", "multi_instance_group", "multi_instance_enable", "queue_directory", "maillog_file",
             "showq_service_name", "queue_service_name", "master_service_disable", "mail_version", "daemon_directory",
             "command_directory", "data_directory"]
    told = dict(re.fullmatch(r"(\w+) = ?(.*)", line).groups() for line in
                postconf("-xc", OUT.config, *asked).splitlines())
    assert set(told) == set(asked)
    assert (told["multi_instance_name"], told["multi_instance_group"], told["multi_instance_enable"]) == (
        "postfix-out", "", "no")
    assert told["maillog_file"] == "/srv/mail = odd"   # expanded, and as it is
    told_of = run("postconf", "-h", "queue_directory", env=os.environ | {"MAIL_CONFIG": str(OUT.config)}).output.strip()
    assert told_of == str(OUT.queue)   # why MAIL_CONFIG must not be in our environment


def test_postconf_warns_beside_its_answer_and_not_in_it():
    with open(PRIMARY.config / "main.cf", "a", encoding="ascii") as main_cf:
        main_cf.write("relayhost = twice\nrelayhost = thrice\n")
    done = run("postconf", "-xh", "multi_instance_directories")
    assert done.output == f"{OUT.config} {IN.config}\n"
    assert "overriding earlier entry" in done.error


def test_postconf_only_warns_of_an_option_that_master_stops_for(syslog):
    for options, told in [("-o {a}", "missing '=' after attribute name: \"a\""), ("-o { a = b", "missing '}' in \"{ a = b\"")]:
        (OUT.config / "master.cf").write_text(f"2526 inet n - n - - smtpd {options}\n")
        done = run("postconf", "-c", OUT.config, "-M")
        assert (done.code, done.output.split()[0]) == (0, "2526")
        assert f"postconf: warning: master.cf: {told}\n" in done.error
    assert run(*master_command(OUT, "-w")).code == 1
    syslog.wait_for(r"fatal: .*missing '}' in", within=10)


def test_postconf_prints_a_line_for_every_service():
    with open(OUT.config / "master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write("10099 inet n\n  - y - -\n  smtpd -o a=1\n" + "  -o b={2 3}\n" * 20)
    lines = postconf("-c", OUT.config, "-M").splitlines()
    services = {tuple(line.split()[:2]): line.split() for line in lines}
    assert len(services) == len(lines)
    assert services["10099", "inet"][:8] == ["10099", "inet", "n", "-", "y", "-", "-", "smtpd"]
    assert services["qmgr", "unix"][4:8] == ["n", "300", "1", "qmgr"]
    assert all(len(fields) >= 8 for fields in services.values())


def test_master_service_disable_takes_listeners_away_by_type_or_name():
    configure(IN, "-Me", "127.0.0.1:10099/inet = 127.0.0.1:10099 inet n - n - - smtpd")
    for disable, ports in (("inet", []), ("smtp/inet", [10099]), ("smtp.inet", [10099]), ("smtp/unix", [25, 10099]),
                           ("127.0.0.1:10099/inet", [25]), ("!smtp/inet, inet", [25]), ("fifo !inet", [25, 10099])):
        configure(IN, "-e", f"master_service_disable = {disable}")
        pid = start(IN)
        assert held_ports(pid) == ports, disable
        stop(pid)


# ---------------------------------------------------------------------------------------------------- postfix check

def test_postfix_check_tells_its_reason_on_a_terminal():
    line = break_master_cf(OUT)
    told = on_terminal("postfix", "-c", OUT.config, "check")
    assert told.code == 1
    assert f"fatal: file {OUT.config}/master.cf: line {line}: bad field count" in told.output

    # What only the script notices has no reason but on a terminal, before 3.8.
    configure(IN, "-e", "queue_directory = /var/spool/gone")
    assert "fatal: " in on_terminal("postfix", "-c", IN.config, "check").output
    if mail_version() < (3, 8):
        assert run("postfix", "-c", IN.config, "check") == (1, "", "")


@pytest.mark.parametrize("broken", ["sibling", "primary's master.cf", "primary's main.cf"])
def test_postfix_check_of_one_instance_minds_no_other(broken):
    if broken == "primary's main.cf":
        with open(PRIMARY.config / "main.cf", "a", encoding="ascii") as main_cf:
            main_cf.write("no equals sign\n")
        os.utime(PRIMARY.config / "main.cf", (1, 1))
    else:
        break_master_cf(OUT if broken == "sibling" else PRIMARY)
    assert run("postfix", "-c", IN.config, "check").code == 0
    start(IN)


def test_postfix_check_passes_with_warnings_and_leaves_a_running_master_alone():
    pid = start(IN)
    (IN.config / "strangers").touch()
    os.chown(IN.config / "strangers", 1, 1)
    done = on_terminal("postfix", "-c", IN.config, "check")
    assert done.code == 0
    assert "warning: " in done.output
    assert IN.pid == pid
    assert executable(pid).endswith("/master")


def test_with_maillog_file_a_first_check_may_fail_and_a_second_passes():
    configure(IN, "-e", "maillog_file = /var/log/postfix-in.log")
    Path("/var/log/postfix-in.log").touch(mode=0o600)
    # Its name is not that of its inode, which postsuper repairs, and says so in a log that it may not write.
    misnamed = IN.queue / "incoming/0000012345"
    misnamed.touch(mode=0o700)
    os.chown(misnamed, (IN.queue / "incoming").stat().st_uid, -1)
    first = run("postfix", "-c", IN.config, "check").code
    second = run("postfix", "-c", IN.config, "check").code
    assert second == 0
    if mail_version() < (3, 8):
        assert first == 1


# ---------------------------------------------------------------------------------------------------- start

def test_when_master_w_has_succeeded_all_sockets_accept_and_signals_are_handled():
    pid = start(IN)
    assert held_ports(pid) == [25]
    for service in ("showq", "qmgr", "pickup", "cleanup"):
        connect_to(IN, service).close()
    assert {signal.SIGTERM, signal.SIGHUP} <= signals(pid, "SigCgt")


ADDRESS_IN_USE = r"/master\[\d+\]: fatal: bind .* port 25: Address already in use"


def test_a_failed_master_w_exits_with_1_and_tells_why_only_in_the_log(syslog):
    with socket.create_server(("0.0.0.0", 25)):
        assert on_terminal(*master_command(IN, "-w")) == (1, "", "")
        # It knows its name only once it is up, if nobody tells it.
        syslog.wait_for(r"^postfix" + ADDRESS_IN_USE, within=5)
        assert run(*master_command(IN, "-w"), env={"MAIL_LOGTAG": "postfix-in"}).code == 1
        syslog.wait_for(r"^postfix-in" + ADDRESS_IN_USE, within=5)
    start(IN)
    syslog.wait_for(r"^postfix-in/master\[\d+\]: daemon started", within=5)


def test_a_failed_master_w_is_reported_to_syslog_even_with_maillog_file(syslog):
    log = Path("/var/log/postfix-in.log")
    configure(IN, "-e", f"maillog_file = {log}")
    with socket.create_server(("0.0.0.0", 25)):
        assert run(*master_command(IN, "-w"), env={"MAIL_LOGTAG": "postfix-in"}).code == 1
    syslog.wait_for(r"^postfix-in" + ADDRESS_IN_USE, within=5)
    assert not log.exists()
    start(IN)
    until(lambda: log.exists() and "daemon started" in log.read_text(), 5, "a master that is up writes to its file")


# What it is provoked with (main.cf, master.cf), and its words.
LAST_WORDS = [
    ("max_use = five", "", "bad numerical configuration: max_use = five"),
    ("default_process_limit = 0", "", "invalid default_process_limit parameter value 0 < 1"),
    ("service_throttle_time = 5q", "", "parameter service_throttle_time: bad time value or unit: 5q"),
    ("soft_bounce = maybe", "", "bad boolean configuration: soft_bounce = maybe"),
    ("inet_protocols = ipv9", "", 'unknown inet_protocols value "ipv9" in "ipv9"'),
    ("mail_owner =", "", "bad string length 0 < 1: mail_owner = "),
    ("mail_owner = nobody-here", "", "parameter mail_owner: unknown user name value: nobody-here"),
    ("setgid_group = no-such", "", "parameter setgid_group: unknown group name: no-such"),
    ("default_privs = no-such", "", "parameter default_privs: unknown user name value: no-such"),
    ("inet_interfaces = 192.0.2.77", "", "parameter inet_interfaces: no local interface found for 192.0.2.77"),
    ("queue_directory = ${x", "", "dictionary mail_dict: macro processing error"),
    ("maillog_file = /srv/x", "", "maillog_file value '/srv/x' does not match any prefix in maillog_file_prefixes"),
    ("queue_directory = /var/spool/nowhere", "", "chdir /var/spool/nowhere: No such file or directory"),
    ("data_directory = /var/lib/nowhere", "",
     "open lock file /var/lib/nowhere/master.lock: cannot create file exclusively: No such file or directory"),
    ("data_directory = /srv", "", "open lock file /srv/master.lock: cannot create file exclusively: Permission denied"),
    ("", "no-such inet n - n - - smtpd", ":no-such: Servname not supported for ai_socktype"),
    ("", "192.0.2.77:2525 inet n - n - - smtpd",
     "bind 192.0.2.77 port 2525: Cannot assign requested address"),
    ("", "no.such.example:2525 inet n - n - - smtpd",
     "bad hostname or network address: no.such.example:2525"),
]


def test_master_says_what_it_dies_of_in_words_that_we_know(syslog):
    masters = []
    for number, (main_cf, master_cf, _) in enumerate(LAST_WORDS):
        config, queue, data = Path(f"/etc/test-{number}"), Path(f"/srv/queue-{number}"), Path(f"/srv/data-{number}")
        shutil.copytree(IN.config, config)
        subprocess.run(["cp", "-a", IN.queue, queue], check=True)
        data.mkdir()
        shutil.chown(data, "postfix")
        with open(config / "main.cf", "a", encoding="ascii") as file:
            file.write(f"queue_directory = {queue}\ndata_directory = {data}\n{main_cf}\n")
        with open(config / "master.cf", "a", encoding="ascii") as file:
            file.write(master_cf + "\n")
        os.utime(config / "main.cf", (1, 1))
        # Each takes seconds to end.
        masters.append(subprocess.Popen(master_command(Instance(config, queue), "-w"), stdin=subprocess.DEVNULL,
                                        env={"MAIL_LOGTAG": f"test-{number}"}))
    for number, (_, _, words) in enumerate(LAST_WORDS):
        assert masters[number].wait(60) == 1, words
        # Under the name that it was given, or its own once it has read that.
        syslog.wait_for(rf"^(test-{number}|postfix-in)/master\[\d+\]: fatal: .*{re.escape(words)}", within=5)


def test_master_names_the_lock_that_it_cannot_have(syslog):
    lock = Path("/var/lib/postfix-in/master.lock")
    lock.touch()
    shutil.chown(lock, "postfix")
    for path, name in (IN.pid_file, "pid/master.pid"), (lock, str(lock)):
        with open(path, "a", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert run(*master_command(IN, "-w")).code == 1
        syslog.wait_for(rf"fatal: open lock file {name}: unable to set exclusive lock", within=5)


def test_a_daemon_says_what_it_dies_of_and_master_that_it_is_throttled(syslog):
    configure(IN, "-e", "qmgr_message_active_limit = x")
    start(IN)
    syslog.wait_for(r"^postfix-in/qmgr\[\d+\]: fatal: bad numerical configuration: qmgr_message_active_limit = x", within=5)
    syslog.wait_for(r"^postfix-in/master\[\d+\]: warning: /\S+/qmgr: bad command startup -- throttling", within=5)


def test_a_program_that_is_not_there_is_named_by_masters_warning_alone(syslog):
    """What its child says does not tell whose it is."""
    configure(IN, "-Me", "qmgr/unix=qmgr unix n - n 300 1 nosuchd")
    start(IN)
    syslog.wait_for(r"^master\[\d+\]: fatal: master_spawn: exec /\S+/nosuchd: No such file or directory", within=5)
    syslog.wait_for(r"^postfix-in/master\[\d+\]: warning: /\S+/nosuchd: bad command startup -- throttling", within=5)


def test_maps_and_certificates_that_are_not_there_are_named(syslog):
    assert "unsupported dictionary type: nosuch" in on_terminal("postmap", "-q", "x", "nosuch:/etc/x").output
    assert "open database /etc/nowhere.db: No such file or directory" in \
        on_terminal("postmap", "-q", "x", "hash:/etc/nowhere").output
    configure(IN, "-e", "smtpd_tls_security_level = may", "smtpd_tls_cert_file = /etc/nowhere.pem",
              "smtpd_tls_key_file = $smtpd_tls_cert_file")
    start(IN)
    smtp.wait_for_greeting(port=25)
    syslog.wait_for(r"smtpd\[\d+\]: warning: error opening chain file: /etc/nowhere.pem: No such file", within=5)


def test_master_dumps_no_core_by_itself():
    """It has changed its user on its way: Linux leaves such a process no core, whatever its limit."""
    if int(Path("/proc/sys/fs/suid_dumpable").read_text()) != 0:
        pytest.skip("this host lets every process dump")
    become_subreaper()
    pid = start(IN)
    subprocess.run(["prlimit", f"--pid={pid}", "--core=unlimited"], check=True)
    os.kill(pid, signal.SIGSYS)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGSYS and not os.WCOREDUMP(status)


def test_a_second_master_w_fails_and_changes_nothing(syslog):
    pid = start(PRIMARY)
    assert run(*master_command(PRIMARY, "-w")).code == 1
    syslog.wait_for(r"^postfix/master\[\d+\]: fatal: open lock file pid/master.pid", within=5)
    assert PRIMARY.pid == pid
    assert executable(pid).endswith("/master")


def test_master_refuses_a_service_whose_port_is_unknown():
    configure(IN, "-Me", "no-such-service/inet = no-such-service inet n - n - - smtpd")
    assert run(*master_command(IN, "-w")).code == 1


def test_until_master_w_has_returned_its_daemon_is_its_child_in_a_session_of_its_own():
    # A name server that never answers holds master in the middle of its start.
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    configure(IN, "-Me", "slow.example.net:10099/inet = slow.example.net:10099 inet n - n - - smtpd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
        name_server.bind(("127.0.0.1", 53))
        name_server.settimeout(10)
        monitor = subprocess.Popen(master_command(IN, "-w"), stdin=subprocess.DEVNULL)
        name_server.recv(512)
        [daemon] = children(monitor.pid)
        assert daemon.session == daemon.pid
        os.kill(daemon.pid, signal.SIGKILL)
        assert monitor.wait(10) == 1


# ---------------------------------------------------------------------------------------------------- signals

def test_a_subreaper_inherits_the_master_which_sigterm_ends_at_once_with_its_group():
    become_subreaper()
    pid = start(IN)
    assert [child.pid for child in children(os.getpid())] == [pid]
    with connect_to(IN, "showq") as connection:
        connection.recv(1)
        until(lambda: {"qmgr", "pickup", "showq"} <= set(of_session(pid).values()), within=5, what="its first daemons run")
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        ended, status = os.waitpid(pid, 0)
        assert (ended, status) == (pid, signal.SIGTERM)
        until(lambda: not of_session(pid), within=1, what="the whole group has ended")
        assert time.monotonic() - began < 1


def test_master_passes_its_signal_mask_on_and_blocked_sigterm_never_arrives():
    subprocess.run(master_command(IN, "-w"), check=True,
                   preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]))
    pid = IN.pid
    qmgr = until(lambda: [process.pid for process in children(pid) if process.command == "qmgr"], 5, "qmgr runs")[0]
    assert signal.SIGTERM in signals(pid, "SigBlk")
    assert signal.SIGTERM in signals(qmgr, "SigBlk")
    os.kill(pid, signal.SIGTERM)
    assert signal.SIGTERM in signals(pid, "ShdPnd")   # there it stays


# ---------------------------------------------------------------------------------------------------- identity

def test_a_master_can_be_known_by_pid_file_program_directory_and_lock():
    pid = start(IN)
    text = IN.pid_file.read_text()
    assert re.fullmatch(r" *\d+\n", text) and len(text) < 64
    assert executable(pid) == str((daemon_directory() / "master").resolve())
    assert os.path.samefile(f"/proc/{pid}/cwd", IN.queue)
    assert os.getsid(pid) == os.getpgid(pid) == pid

    number = next(entry.name for entry in os.scandir(f"/proc/{pid}/fd")
                  if entry.is_file() and os.path.samefile(entry.path, IN.pid_file))
    assert os.readlink(f"/proc/{pid}/fd/{number}").startswith("/")
    assert re.search(rf"^lock:\s+\d+: FLOCK +ADVISORY +WRITE {pid} ",
                     Path(f"/proc/{pid}/fdinfo/{number}").read_text(), re.MULTILINE)
    with open(IN.pid_file, encoding="ascii") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_stop_leaves_the_pid_file_as_it_is_and_the_lock_free():
    pid = start(IN)
    stop(pid)
    assert IN.pid == pid
    with open(IN.pid_file, encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # While we hold it nobody can start: why it is never asked for during a start.
        assert run(*master_command(IN, "-w")).code == 1
    IN.pid_file.unlink()
    assert run(*master_command(IN, "-t")).code == 0   # no file: not running, says Postfix too


def test_a_program_that_was_replaced_shows_as_deleted():
    pid = start(IN)
    program = executable(pid)
    Path(program + ".new").write_bytes(Path(program).read_bytes())
    os.rename(program + ".new", program)
    assert executable(pid) == program + " (deleted)"


def test_every_daemon_stands_in_the_queue_directory_and_runs_from_the_daemon_directory():
    pid = start(IN)
    greeted = socket.create_connection(("127.0.0.1", 25))
    assert greeted.recv(4) == b"220 "
    showq = connect_to(IN, "showq")
    assert showq.recv(1)
    verify = connect_to(IN, "verify", directory="private")
    assert verify.recv(1)   # it announces its protocol
    family = {process.command: process for process in children(pid)}
    assert {"qmgr", "pickup", "smtpd", "showq", "verify"} <= set(family)
    for process in family.values():
        assert Path(executable(process.pid)).parent == daemon_directory().resolve()
        assert os.path.samefile(f"/proc/{process.pid}/cwd", IN.queue)
        # The few that write databases must not be hit by a signal to the group.
        assert process.session == (process.pid if process.command == "verify" else pid), process


# ---------------------------------------------------------------------------------------------------- crash

def test_after_a_crash_sessions_go_on_and_swallow_connections_until_their_socket_is_shut():
    configure(IN, "-e", "inet_protocols = ipv4")   # one socket instead of two
    old = start(IN)
    session = smtp.HeldSession()
    os.kill(old, signal.SIGKILL)
    until(lambda: "smtpd" in of_session(old).values() and not {"qmgr", "pickup"} & set(of_session(old).values()),
          within=2, what="idle daemons have ended")
    [smtpd] = [pid for pid, command in of_session(old).items() if command == "smtpd"]
    [kept] = socket_descriptors(smtpd).keys() & listeners().keys()
    assert listeners()[kept].port == 25

    new = start(IN)
    assert held_ports(new) == [25]
    assert kept not in socket_descriptors(new)

    # Each connection is either greeted by the new master's smtpd or waits for the old one, which never accepts.
    connections = [socket.create_connection(("127.0.0.1", 25)) for _ in range(40)]
    greeted = until(lambda: (ready := select.select(connections, [], [], 0)[0]) and
                    len(ready) + listeners()[kept].waiting == len(connections) and ready, 20, "every connection is somewhere")
    assert 0 < len(greeted) < len(connections)

    handle = os.pidfd_open(smtpd)
    taken = ctypes.CDLL(None).syscall(438, handle, socket_descriptors(smtpd)[kept], 0)   # pidfd_getfd
    assert taken >= 0
    socket.socket(fileno=taken).shutdown(socket.SHUT_RDWR)
    assert kept not in listeners()
    for connection in connections:
        connection.close()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", 25), timeout=10) as connection:
            assert connection.recv(4) == b"220 "
    assert session.finish()[0] == 250
    until_exit(smtpd, within=5)


def test_a_dead_masters_pid_is_not_given_to_another_while_its_session_lives():
    old = start(IN)
    session = socket.create_connection(("127.0.0.1", 25))
    assert session.recv(4) == b"220 "
    os.kill(old, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{old}").exists(), 5, "the dead master is reaped")

    def next_pid():
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(old - 1))
        process = subprocess.Popen(["true"])
        process.wait()
        return process.pid

    assert next_pid() != old
    assert of_session(old)
    session.close()
    until(lambda: not of_session(old), 5, "the session is over")
    until(lambda: next_pid() == old, 5, "the pid can be had again")


# ---------------------------------------------------------------------------------------------------- readiness

def test_a_connect_proves_nothing():
    configure(IN, "-e", "inet_protocols = ipv4")
    pid = start(IN)
    os.kill(pid, signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", 25)):
        [listener] = [listener for listener in listeners().values() if listener.port == 25]
        assert listener.waiting == 1


def test_master_itself_holds_the_listening_sockets_where_master_cf_says():
    for service in ("127.0.0.1:10097", "localhost:10098", "10099"):
        configure(IN, "-Me", f"{service}/inet = {service} inet n - n - - smtpd")
    pid = start(IN)
    held = {(listener.address, listener.port) for inode, listener in listeners().items()
            if inode in socket_descriptors(pid)}
    assert {("0100007F", 10097), ("0100007F", 10098), ("00000000", 10099), ("00000000", 25)} <= held
    assert {port for _, port in held} == {25, 10097, 10098, 10099}


def test_showq_speaks_first_and_qmgr_answers_a_nul_by_closing():
    pid = start(IN)
    for _ in range(2):   # hanging up after the greeting does not hurt it
        with connect_to(IN, "showq") as showq:
            assert showq.recv(64)
        with connect_to(IN, "qmgr") as qmgr:
            qmgr.send(b"\0")
            assert qmgr.recv(1) == b""
    assert int(postconf("-dh", "max_idle").removesuffix("s\n")) <= 100   # then showq ends, and the next look forks one

    stop(pid)
    for service in ("showq", "qmgr"):
        with pytest.raises(ConnectionRefusedError):
            connect_to(IN, service)


def test_a_silent_connection_blocks_qmgr():
    start(IN)
    silent = connect_to(IN, "qmgr")
    with connect_to(IN, "qmgr") as asking:
        asking.send(b"\0")
        # For 10 s, says Postfix's source; that it lasts is all we need to know.
        assert not select.select([asking], [], [], 1)[0]
        silent.close()
        assert asking.recv(1) == b""


# ---------------------------------------------------------------------------------------------------- queue

def submit():
    """A message that postfix-out cannot deliver; returns its file in the hashed deferred queue."""
    before = set(OUT.queue.glob("deferred/*/*"))
    subprocess.run(["sendmail", "-C", OUT.config, "-f", smtp.SENDER, smtp.RECIPIENT], input=smtp.message(smtp.new_id()),
                   check=True)
    return until(lambda: set(OUT.queue.glob("deferred/?/*")) - before, 20, "the message is deferred").pop()


# ---------------------------------------------------------------------------------------------------- reload

def copy_of(instance, to, *settings):
    """The configuration beside an empty queue and data directory of its own."""
    for file in ("main.cf", "master.cf"):
        shutil.copy(instance.config / file, to / file)
    for directory in ("queue", "data"):
        (to / directory).mkdir()
    copied = Instance(to, to / "queue")
    configure(copied, "-e", f"queue_directory = {to}/queue", f"data_directory = {to}/data", *settings)
    return copied


def test_postconf_accepts_a_value_that_kills_a_running_master_when_it_reads_it():
    pid = start(IN)
    configure(IN, "-e", "max_idle = 5q")
    assert run("postconf", "-c", IN.config, "-x").code == 0
    assert run("postconf", "-c", IN.config, "-M").code == 0
    os.kill(pid, signal.SIGHUP)
    until_exit(pid, within=10)


@pytest.mark.parametrize("service", ["127.0.0.1:25", "127.0.0.1:no-such-service", "no-such-host.invalid:2526"],
                         ids=["port", "service", "host"])
def test_an_endpoint_that_it_cannot_have_kills_a_running_master_when_it_reads_it(service):
    with socket.create_server(("127.0.0.1", 25)):
        pid = start(OUT)
        configure(OUT, "-Me", f"{service}/inet = {service} inet n - n - - smtpd")
        os.kill(pid, signal.SIGHUP)
        until_exit(pid, within=30)


@pytest.mark.parametrize("setting, refused", [
    ("max_idle = 5q", True), ("default_process_limit = many", True), ("inet_interfaces = 192.0.2.1", True),
    ("max_idle = 5s", False)], ids=["time", "number", "address", "good"])
def test_master_t_on_a_copy_refuses_values_that_would_kill_it(tmp_path, setting, refused):
    start(IN)
    copied = copy_of(IN, tmp_path, setting)
    assert (run(*master_command(copied, "-t")).code != 0) == refused


def test_another_program_says_on_a_terminal_which_value_is_bad(tmp_path):
    copied = copy_of(IN, tmp_path, "max_idle = 5q")
    assert "max_idle" in on_terminal("postmap", "-c", copied.config, "-q", "x", "static:x").output


def test_a_reload_does_not_change_the_addresses_that_master_listens_on(syslog):
    pid = start(IN)
    before = {inode for inode in listeners() if inode in socket_descriptors(pid)}
    configure(IN, "-e", "inet_interfaces = 127.0.0.1")
    os.kill(pid, signal.SIGHUP)
    syslog.wait_for(r"master\[\d+\]: warning: .*inet_interfaces", within=10)
    assert {inode for inode in listeners() if inode in socket_descriptors(pid)} == before


def test_postfix_stop_leaves_its_word_in_the_log_and_sigkill_does_not(syslog):
    pid = start(IN)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not of_session(pid), within=5, what="the session is over")
    start(IN)
    assert not syslog.find(r"^postfix-in/postfix-script\[\d+\]: stopping")
    assert run("postfix", "-c", IN.config, "stop").code == 0
    syslog.wait_for(r"^postfix-in/postfix-script\[\d+\]: stopping the Postfix mail system", within=5)


def test_a_main_cf_that_is_younger_than_two_seconds_is_waited_for(tmp_path):
    copied = copy_of(IN, tmp_path)

    def seconds():
        began = time.monotonic()
        assert run("postmap", "-c", copied.config, "-q", "x", "static:x").code == 0
        return time.monotonic() - began
    assert seconds() < 1
    os.utime(copied.config / "main.cf")
    assert seconds() > 1



def test_a_table_that_is_older_than_its_source_is_warned_of_after_100_seconds(tmp_path):
    source = tmp_path / "virtual"
    source.write_text("a b\n")
    assert run("postmap", f"hash:{source}").code == 0
    table = tmp_path / "virtual.db"
    os.utime(table, (time.time() - 300, time.time() - 300))

    def warned():
        return "is older than source file" in on_terminal("postmap", "-q", "a", f"hash:{source}").output
    assert not warned()
    os.utime(source, (time.time() - 110, time.time() - 110))
    assert warned()
    os.utime(source, (time.time() - 310, time.time() - 310))
    assert not warned()


def test_queue_ids_and_places_are_as_we_count_them():
    for queue in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt"):
        assert (OUT.queue / queue).is_dir()
    configure(OUT, "-e", "enable_long_queue_ids = no", "minimal_backoff_time = 300s")
    pid = start(OUT)
    began = int(time.time())
    short = submit()
    assert re.fullmatch(r"[0-9A-F]+", short.name)
    assert int(short.name[5:], 16) == short.stat().st_ino   # the file it was at first
    assert short.stat().st_mtime > began + 100              # the time of the next try
    born = int(run("stat", "--format=%W", short).output)
    assert born == 0 or began <= born <= time.time()        # 0: this file system does not know

    stop(pid)
    configure(OUT, "-e", "enable_long_queue_ids = yes")
    start(OUT)
    began = int(time.time())
    long = submit()
    digits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
    seconds_and_microseconds, _, inode = long.name.rpartition("z")
    assert len(seconds_and_microseconds) >= 10 and inode
    arrival = 0
    for digit in seconds_and_microseconds[:-4]:
        arrival = arrival * 52 + digits.index(digit)
    assert began <= arrival <= time.time()

    subprocess.run(["postsuper", "-c", OUT.config, "-h", short.name, "-h", long.name], check=True)
    assert {short.name, long.name} <= set(os.listdir(OUT.queue / "hold"))   # not hashed, under the same names


# ---------------------------------------------------------------------------------------------------- Debian

def test_debians_chroot_is_filled_for_one_instance_whatever_its_siblings():
    copied = IN.queue / "etc/resolv.conf"
    copied.unlink(missing_ok=True)
    break_master_cf(OUT)
    if mail_version() >= (3, 9):
        assert run("postfix", "-c", IN.config, "check").code == 0
    else:
        script = daemon_directory().parent / "configure-instance.sh"
        assert run("postfix", "-c", IN.config, "check").code == 0
        assert not copied.exists()
        assert run(script, "postfix-in").code != 0
        assert run(script, "-", env=os.environ | {"MAIL_CONFIG": str(IN.config)}).code == 0
    assert copied.read_bytes() == Path("/etc/resolv.conf").read_bytes()
    links = {f"/{path.relative_to(IN.queue)}": os.readlink(path) for path in IN.queue.rglob("*") if path.is_symlink()}
    others = {path: target for path, target in links.items() if not (os.path.islink(path) and os.readlink(path) == target)}
    assert others == {"/usr/lib/zoneinfo/localtime": "/etc/localtime"}


def test_postfix_drain_kills_the_master_alone_and_a_session_goes_on_without_it():
    pid = start(IN)
    session = smtp.HeldSession(to_data=False)
    assert run("postfix", "-c", IN.config, "drain").code == 0
    until_exit(pid, within=5)
    assert session.goes_on()
    until(lambda: list(of_session(pid).values()) == ["smtpd"], within=5, what="only the session is left")
    assert session.quit() == 221
    until(lambda: not of_session(pid), within=5, what="the session's process has ended")


def test_postfix_check_makes_the_queue_in_a_directory_that_is_empty():
    """As a mount point is whose file system is not there."""
    Path("/srv/empty").mkdir()
    configure(IN, "-e", "queue_directory = /srv/empty")
    run("postfix", "-c", IN.config, "check")
    assert (Path("/srv/empty") / "deferred").is_dir()


# ---------------------------------------------------------------------------------------------------- services

def test_a_child_says_on_its_command_line_which_service_it_is_there_for():
    postconf("-c", IN.config, "-M", "127.0.0.1:2526/inet=127.0.0.1:2526 inet n - n - 1 smtpd -o smtpd_banner=-n")
    pid = start(IN)
    for port in (25, 2526):
        smtp.wait_for_greeting(port=port)
    connect_to(IN, "qmgr").close()
    # The name only where the program has another; before both only -l (limit 1) and -z (no limit).
    expected = ("smtpd -n smtp -t inet ", "smtpd -l -n 127.0.0.1:2526 -t inet ", "qmgr -l -t unix ")

    def all_are_there():   # a child that has not executed its program yet has its master's line
        lines = [Path(f"/proc/{child.pid}/cmdline").read_text().replace("\0", " ") for child in children(pid)]
        return all(any(line.startswith(words) for line in lines) for words in expected)
    until(all_are_there, within=10, what="qmgr and two smtpd run, as their lines say")


def test_who_comes_to_a_service_whose_program_ends_at_once_waits_in_its_backlog(syslog):
    smtpd = daemon_directory() / "smtpd"
    shutil.move(smtpd, smtpd.with_suffix(".good"))
    shutil.copy("/bin/false", smtpd)
    configure(IN, "-e", "service_throttle_time = 1s")
    pid = start(IN)
    clients = [socket.create_connection(("127.0.0.1", 25)) for _ in range(2)]
    syslog.wait_for(r"bad command startup -- throttling", within=10)

    def waiting():
        held = socket_descriptors(pid)
        return sum(listener.waiting for inode, listener in listeners().items() if inode in held and listener.port == 25)
    assert waiting() == 2
    os.replace(smtpd.with_suffix(".good"), smtpd)
    for client in clients:
        client.settimeout(10)
        assert smtp.greeting(client).startswith("220")
    assert waiting() == 0


def test_two_instances_with_the_same_endpoint_both_start(syslog):
    for instance in (IN, OUT):
        postconf("-c", instance.config, "-M", "127.0.0.1:2526/inet=127.0.0.1:2526 inet n - n - - smtpd")
        assert 2526 in held_ports(start(instance))
    assert not syslog.find("2526")


def test_mail_is_refused_where_less_than_one_and_a_half_messages_or_queue_minfree_is_free():
    room = os.statvfs(IN.queue)
    free = room.f_bavail * room.f_frsize

    def answer(*settings):
        configure(IN, "-e", *settings)
        pid = start(IN)
        with socket.create_connection(("127.0.0.1", 25), timeout=10) as client, client.makefile("rwb") as session:
            session.readline()
            for line in (b"HELO client.example\r\n", b"MAIL FROM:<>\r\n"):
                session.write(line)
                session.flush()
                last = session.readline()
        stop(pid)
        return last.split()[0]
    assert answer("message_size_limit = 1000", "queue_minfree = 0") == b"250"
    assert answer(f"message_size_limit = {free * 4 // 5}", "queue_minfree = 0") == b"452"
    assert answer("message_size_limit = 1000", f"queue_minfree = {free * 2}") == b"452"


# ---------------------------------------------------------------------------------------------------- the wrapper

def wrap(*words):
    """A multi_instance_wrapper that prints its argv and environment, as JSON; returns how to ask postfix(1) for it."""
    program = Path("/usr/local/sbin/wrapper")
    program.write_text("#!/usr/bin/python3\nimport json, os, sys\n"
                       "print(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), 'cwd': os.getcwd()}))\n"
                       "sys.exit(42 if 'fail' in sys.argv else 0)\n")
    program.chmod(0o755)
    configure(PRIMARY, "-e", " ".join(("multi_instance_wrapper =", str(program), *words)))


def test_a_plain_postfix_becomes_its_wrapper_with_every_argument_as_it_is():
    wrap("pmctl", "--")
    done = run("postfix", "-v", "no-such-command", "a  b", "'")
    assert done.code == 0
    told = json.loads(done.output)
    assert told["argv"] == ["pmctl", "--", "no-such-command", "a  b", "'"]
    assert (told["env"]["MAIL_CONFIG"], told["env"]["command_directory"]) == ("/etc/postfix", "/usr/sbin")
    assert told["env"]["PATH"] == "/bin:/usr/bin:/sbin:/usr/sbin"
    assert told["cwd"] == str(PRIMARY.queue)
    assert run("postfix", "fail").code == 42


def test_one_instance_and_postmulti_pass_the_wrapper_by():
    wrap()
    assert "argv" not in run("postfix", "-c", PRIMARY.config, "status").output
    done = run("postmulti", "-p", "--", "/bin/sh", "-c", "echo $MAIL_CONFIG")
    assert "argv" not in done.output
    assert done.output.split() == [str(instance.config) for instance in (PRIMARY, OUT, IN)]


def test_postmulti_init_puts_its_own_wrapper_there_and_postconf_x_takes_a_line_away():
    wrap()
    assert run("postmulti", "-e", "init").code == 0
    assert postconf("-n", "multi_instance_wrapper") == "multi_instance_wrapper = ${command_directory}/postmulti -p --\n"
    before = (PRIMARY.config / "main.cf").read_text()
    postconf("-X", "multi_instance_wrapper")
    assert postconf("-n", "multi_instance_wrapper") == ""
    assert (PRIMARY.config / "main.cf").read_text() == "".join(
        line for line in before.splitlines(keepends=True) if not line.startswith("multi_instance_wrapper"))


def test_postconf_edits_a_copy_and_takes_what_it_prints(tmp_path):
    (tmp_path / "main.cf").write_text("# why\na_parameter = 1,\n  2\nbiff = no\n")
    (tmp_path / "master.cf").write_text("# these\nsmtp inet n - y - - smtpd\n  -o { smtpd_banner = x y }\n")
    old = time.time() - 3600

    def edit(*words):
        os.utime(tmp_path / "main.cf", (old, old))   # a younger one would be waited for
        return postconf("-c", tmp_path, *words)
    edit("-e", "a_parameter=3, 4", "soft_bounce=yes")
    edit("-X", "biff")
    text = (tmp_path / "main.cf").read_text()
    assert text == "# why\na_parameter = 3, 4\nsoft_bounce = yes\n"
    edit("-e", "a_parameter=3, 4")
    assert (tmp_path / "main.cf").read_text() == text
    line = edit("-M").strip()
    edit("-M", f"10026/inet={line.replace('smtp ', '10026 ', 1)}")
    edit("-MX", "smtp/inet")
    assert [each.split()[0] for each in edit("-M").splitlines()] == ["10026"]
    assert "# these" in (tmp_path / "master.cf").read_text()
    edit("-M", f"10026/inet={edit('-M').strip()}")
    assert edit("-M").strip() == line.replace("smtp ", "10026 ", 1) or edit("-M").split()[0] == "10026"
