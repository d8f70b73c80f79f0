"""Whatever does not run says why, since when, what happens next, what it means, and what to type. Each failure here is one of
the real Postfix; the log is a classic mail log."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.border import postconf, start_masters
from lab.control import PMCTL, Postmultid, member, pmctl, wait_for_all_running, wait_for_restart, wait_for_state
from lab.definition import companion, define
from lab.processes import executable, of_instance
from lab.waiting import until

NOT_RUNNING = 3
MAIN_CF = Path("/etc/postfix-out/main.cf")
QUEUE = Path("/var/spool/postfix-out")


@pytest.fixture
def host(border):
    """The border mail server, not started, with a mail log where a host's syslog has it."""
    mail_log = Path("/var/log/mail.log")
    mail_log.unlink(missing_ok=True)
    mail_log.symlink_to("/tmp/syslog")
    return border


@pytest.fixture
def running(host):
    daemon = Postmultid().start()
    wait_for_all_running()
    yield daemon
    print(daemon.log.read_text())


def failed():
    return wait_for_state("postfix-out", "failed", within=40)


def line_of(parameter):
    lines = MAIN_CF.read_text().splitlines()
    return max(number for number, line in enumerate(lines, 1) if line.split("=")[0].strip() == parameter)


def shown():
    """What a person reads, by its labels; what a label has several lines of is one text."""
    result = pmctl("status", "postfix-out")
    parts, label = {}, None
    for line in result.out.splitlines()[1:]:
        label = line[2:10].strip() or label
        parts[label] = (parts.get(label, "") + "\n" + line[11:]).strip()
    return parts


def assert_it_is_explained(*words):
    parts = shown()
    assert list(parts)[:4] == ["why", "next", "effect", "do"], parts
    for word in words:
        assert word in parts["why"], parts
    # Whoever asks has the held one in sight, and hears nothing of an end of the world.
    assert "held until it runs: postfix-in" in parts["effect"] and "127.0.0.1:10026" in parts["effect"], parts
    return parts


# ---------------------------------------------------------------------------------------------------- starts

@pytest.mark.parametrize("parameter, value", [
    ("service_throttle_time", "5q"),     # only master reads it: postfix check does not mind
    ("max_use", "five"),                 # every program reads it
    ("soft_bounce", "maybe"),
    ("inet_protocols", "ipv9"),
])
def test_a_bad_parameter_is_shown_with_its_place_and_an_edit_ends_it(host, parameter, value):
    postconf("postfix-out", f"{parameter} = {value}")
    Postmultid().start()
    reason = failed()["reason"]
    assert (reason["code"], reason["class"]) == ("bad-parameter", "config"), reason
    parts = assert_it_is_explained(f"{MAIN_CF}:{line_of(parameter)}: ", parameter, value)
    assert parts["next"].startswith("starts by itself after a change of its main.cf or master.cf")
    assert subprocess.run(parts["do"], shell=True, check=True, capture_output=True, text=True).stdout.strip() \
        == f"{parameter} = {value}"
    # Once was enough to know.
    assert [failure["times"] for failure in member("postfix-out")["failures"]] == [1]

    subprocess.run(["postconf", "-c", MAIN_CF.parent, "-X", parameter], check=True)
    wait_for_all_running()
    well = shown()
    assert "why" not in well and "NO" not in well["checks"], well
    assert well["listens"] == "127.0.0.1:10026" and "since" in well["uptime"] and "pid" in well["proof"], well
    assert parameter in well["before"], well


def test_a_missing_user_is_named(host):
    postconf("postfix-out", "mail_owner = nobody-here")
    Postmultid().start()
    assert failed()["reason"]["code"] == "no-such-user"
    assert_it_is_explained(f"{MAIN_CF}:{line_of('mail_owner')}: ", "unknown user", "nobody-here")


def test_a_parameter_that_ends_the_queue_manager_is_found_in_its_words(host):
    define("version: 1\ndefaults:\n  supervise: { start_timeout: 6s }\n")
    postconf("postfix-out", "qmgr_message_active_limit = x")
    Postmultid().start()
    reason = failed()["reason"]
    assert reason["class"] == "config", reason
    assert any(re.search(r"postfix-out/qmgr\[\d+\]: fatal: bad numerical", line) for line in reason["log"]), reason
    parts = assert_it_is_explained(f"{MAIN_CF}:{line_of('qmgr_message_active_limit')}: ")
    assert "qmgr" in parts["log"]


def test_a_program_that_is_not_there_is_named(host):
    define("version: 1\ndefaults:\n  supervise: { start_timeout: 6s }\n")
    master_cf = MAIN_CF.with_name("master.cf")
    master_cf.write_text(re.sub(r"^(qmgr .*)qmgr$", r"\1nosuchd", master_cf.read_text(), flags=re.MULTILINE))
    Postmultid().start()
    assert failed()["reason"]["code"] == "no-such-program"
    assert_it_is_explained("/nosuchd does not exist")


def test_a_port_is_shown_with_who_has_it(host):
    listener = ("import signal, socket; s = socket.create_server(('127.0.0.1', 10026), reuse_port=False); "
                "print(flush=True); signal.pause()")
    with subprocess.Popen([sys.executable, "-c", listener], stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        Postmultid().start()
        assert failed()["reason"]["class"] == "environment"
        parts = assert_it_is_explained(f"127.0.0.1:10026 is in use by process {owner.pid}", executable(owner.pid))
        assert parts["next"].startswith(f"starts by itself after the end of process {owner.pid}")
        assert "Address already in use" in parts["log"]
        owner.kill()
    wait_for_all_running()


def test_a_lock_is_shown_with_who_holds_it_and_waited_for(host):
    lock = Path("/var/lib/postfix-out/master.lock")
    lock.touch()
    shutil.chown(lock, "postfix")
    holder = f"import fcntl, signal; f = open('{lock}', 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        Postmultid().start()
        assert failed()["reason"]["code"] == "locked"
        parts = assert_it_is_explained(f"{lock}: unable to set exclusive lock", f"held by process {owner.pid}")
        assert str(lock) in parts["do"]
        owner.kill()
    wait_for_all_running()


def test_a_full_queue_is_named(host):
    disk = Path("/srv/mail")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "mail", disk], check=True)
    subprocess.run(["cp", "-a", QUEUE, disk / "postfix-out"], check=True)
    subprocess.run(["dd", "if=/dev/zero", f"of={disk}/ballast", "bs=4k"], stderr=subprocess.DEVNULL, check=False)
    postconf("postfix-out", f"queue_directory = {disk}/postfix-out")
    Postmultid().start()
    assert failed()["reason"]["code"] == "no-space"
    parts = assert_it_is_explained(f"{disk}/postfix-out: no free space")
    assert parts["do"].startswith("df -h")


def test_what_failed_before_is_not_blamed_again(host):
    with open("/tmp/syslog", "a", encoding="ascii") as old:
        old.write("postfix-out/master[4711]: fatal: bad numerical configuration: an_old_one = x\n")
    postconf("postfix-out", "mail_owner = nobody-here")
    Postmultid().start()
    failed()
    postconf("postfix-out", "mail_owner = postfix", "service_throttle_time = 5q")
    until(lambda: member("postfix-out")["state"] == "failed" and "service_throttle_time" in
          member("postfix-out")["reason"]["message"], within=30, what="the new failure")
    told = member("postfix-out")
    assert not [line for line in told["reason"]["log"] if "nobody-here" in line or "an_old_one" in line], told
    assert [failure["code"] for failure in told["failures"]] == ["no-such-user", "bad-parameter"], told
    assert "nobody-here" in shown()["before"]


# ---------------------------------------------------------------------------------------------------- deaths

def die(number):
    before = member("postfix-out")["pid"]
    os.kill(before, number)
    wait_for_restart("postfix-out", before)
    return before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1, signal.SIGABRT])
def test_a_crash_is_told_with_its_signal(running, number):
    pid = die(number)
    told = member("postfix-out")
    assert told["last_exit"]["signal"] == number.name and told["last_exit"]["cause"] == "signal"
    assert [failure["what"] for failure in told["failures"]] == ["died"]
    assert f"master {pid} was killed by {number.name}" in shown()["before"]
    assert number.name in shown()["exit"]


def test_a_core_dump_is_told(host):
    """A companion's: Linux lets no process dump that has changed its user, as every Postfix program does."""
    define(companion(["/usr/bin/sleep", "1d"]).replace('  ready: "tcp://127.0.0.1:10025"\n', ""))
    Postmultid().start()
    wait_for_all_running()
    sleeper = member("filter")["pid"]
    subprocess.run(["prlimit", f"--pid={sleeper}", "--core=unlimited"], check=True)
    os.kill(sleeper, signal.SIGSEGV)
    told = wait_for_restart("filter", sleeper)
    assert (told["last_exit"]["signal"], told["last_exit"]["core_dumped"]) == ("SIGSEGV", True), told
    assert "was killed by SIGSEGV and left a core dump" in pmctl("status", "filter").out


def memory_cgroup(name):
    """A memory cgroup of its own; the private host shares the kernel's, so it is named after this process."""
    groups = Path("/sys/fs/cgroup")
    subprocess.run(["mount", "-t", "tmpfs", "none", groups], check=True)
    mounted = groups / "memory"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "cgroup", "-o", "memory", "none", mounted], check=False).returncode != 0:
        pytest.skip("this kernel has no memory cgroups (v1) to mount")
    group = mounted / f"{name}-{os.stat('/proc/self/ns/pid').st_ino}"
    group.mkdir()
    return group


def test_an_end_by_the_oom_killer_is_told(host):
    start_masters()
    master = int((QUEUE / "pid/master.pid").read_text())
    group = memory_cgroup("postmultid-test")
    (group / "cgroup.procs").write_text(str(master))
    Path(f"/proc/{master}/oom_score_adj").write_text("1000")
    daemon = Postmultid().start()
    wait_for_all_running()
    # Just what it has: less is refused.
    (group / "memory.limit_in_bytes").write_text(str(int((group / "memory.usage_in_bytes").read_text()) + 16384))

    def dead():
        if member("postfix-out")["failures"]:
            return True
        # It needs memory for what it reads.
        with contextlib.suppress(ProcessLookupError):
            os.kill(master, signal.SIGHUP)
        return False
    until(dead, within=30, what="the OOM killer has ended the master")
    told = until(lambda: member("postfix-out")["last_exit"]["cause"] == "oom" and member("postfix-out"), 10, "oom")
    assert told["last_exit"]["signal"] == "SIGKILL", told
    assert f"master {master} was killed by the OOM killer" in shown()["before"]
    assert "OOM killer" in shown()["exit"]
    wait_for_restart("postfix-out", master)
    daemon.stop()
    group.rmdir()


def test_the_words_of_a_master_that_a_bad_reload_has_killed_come_after_its_restart(running):
    postconf("postfix-out", "service_throttle_time = 5q")
    os.kill(member("postfix-out")["pid"], signal.SIGHUP)
    reason = failed()["reason"]
    assert reason["code"] == "bad-parameter", reason
    death = until(lambda: next((failure for failure in member("postfix-out")["failures"]
                                if failure["what"] == "died" and failure["log"]), None), 10, "the master's last words")
    assert "service_throttle_time" in death["message"] and "exited with status 1" in death["message"], death
    parts = shown()
    assert parts["why"].startswith(f"{MAIN_CF}:{line_of('service_throttle_time')}: "), parts
    assert "nobody answers at 127.0.0.1:10026" in parts["effect"] and "2 other members run" in parts["effect"], parts

    # What it was before is kept: the difference is the line that somebody has written.
    compare = parts["changed"].removeprefix("since it last ran well: ")
    difference = subprocess.run(compare.split(), check=False, capture_output=True, text=True).stdout
    assert "+service_throttle_time = 5q" in difference, difference
    assert Path(reason["last_good"], "main.cf").stat().st_mode & 0o777 == 0o600


def test_a_stop_by_somebody_else_is_told_as_such(running):
    subprocess.run(["postfix", "-c", "/etc/postfix-out", "stop"], check=True, capture_output=True)
    wait_for_state("postfix-out", "stopped")
    parts = shown()
    assert parts["why"] == "stopped outside postmultid" and parts["do"] == "pmctl start postfix-out", parts
    assert not member("postfix-out")["failures"]
    assert pmctl("status", "postfix-out").code == NOT_RUNNING


def test_what_a_master_said_of_a_child_is_not_why_it_is_killed(running):
    daemons = Path("/usr/lib/postfix/sbin")
    shutil.move(daemons / "smtpd", daemons / "smtpd.good")
    shutil.copy("/bin/false", daemons / "smtpd")
    for process in of_instance("postfix-in"):
        if Path(executable(process.pid)).name.startswith("smtpd"):
            os.kill(process.pid, signal.SIGKILL)
    with socket.create_connection(("127.0.0.1", 25)):
        until(lambda: "throttling" in Path("/tmp/syslog").read_text(), 20, "master throttles a service")
    shutil.move(daemons / "smtpd.good", daemons / "smtpd")
    master = member("postfix-in")["pid"]
    os.kill(master, signal.SIGKILL)
    wait_for_restart("postfix-in", master)
    until(lambda: member("postfix-in")["failures"][-1].get("log"), 10, "its log was looked at")
    assert member("postfix-in")["failures"][-1]["message"] == f"master {master} was killed by SIGKILL"


def test_what_is_written_while_a_reload_is_verified_was_not_read(running):
    master_cf = Path("/etc/postfix-out/master.cf")
    kept = Path("/var/lib/postmultid/last-good/etc/postfix-out/master.cf")
    until(lambda: kept.exists() and kept.read_text() == master_cf.read_text(), 10, "they are kept")

    def queue_managers():
        return {process.pid for process in of_instance("postfix-out") if executable(process.pid).endswith("/qmgr")}
    before = queue_managers()
    with subprocess.Popen([PMCTL, "reload", "postfix-out"]) as reload:
        # Master says that it reloads before it reads; the next qmgr is started when all is read.
        until(lambda: queue_managers() - before, 20, "it has read them")
        good = master_cf.read_text()
        master_cf.write_text(good + "smtp inet oops\n")
        assert reload.wait(60) == 0
    assert pmctl("reload", "postfix-out").code != 0   # what was kept is written before its guard has ended
    assert kept.read_text() == good
