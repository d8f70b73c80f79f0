"""How well a running member does its work: named checks, seen by looks that Postfix does not notice. `pmctl check` looks at
once, and what a look leaves in doubt is looked at again within seconds."""
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab import smtp
from lab.border import REPOSITORY, postconf, start_masters
from lab.control import PMCTL, Postmultid, member, pmctl, wait_for_all_running, wait_for_restart
from lab.definition import supervise
from lab.processes import executable, of_instance
from lab.waiting import until

OK = 0
DAEMONS = Path("/usr/lib/postfix/sbin")


def check_of(ident, name):
    return next((check for check in member(ident)["checks"] if check["name"] == name), None)


def wait_for_health(ident, health, within=20):
    until(lambda: member(ident)["health"] == health, within, f"{ident} {health}")
    return member(ident)


def look_at(ident):
    pmctl("check", ident)


def break_program(name):
    """What is started under that name from now on ends at once."""
    shutil.move(DAEMONS / name, DAEMONS / f"{name}.good")
    shutil.copy("/bin/false", DAEMONS / name)


def mend_program(name):
    shutil.move(DAEMONS / f"{name}.good", DAEMONS / name)


def kill_processes(ident, program):
    for process in of_instance(ident):
        if Path(executable(process.pid)).name in (program, f"{program}.good"):
            os.kill(process.pid, signal.SIGKILL)


def events():
    return pmctl("events", "-n", "100").out


def test_all_is_well_and_said_so_and_only_who_asks_leaves_a_line_in_the_log(adopted):
    for ident in ("-", "postfix-out", "postfix-in"):
        wait_for_health(ident, "ok")
    assert "connect from" not in Path("/tmp/syslog").read_text()
    for ident in ("-", "postfix-out", "postfix-in"):
        look_at(ident)
        shown = wait_for_health(ident, "ok")
        serves_smtp = {"banner"} if ident != "-" else set()
        assert {check["name"] for check in shown["checks"]} == {
            "master", "qmgr", "showq", "services", "listeners", "queue", "config"} | serves_smtp
    log = Path("/tmp/syslog").read_text()
    assert "warning" not in log and "lost connection" not in log
    assert log.count(": connect from") == log.count(": disconnect from") == 2


def test_a_queue_manager_that_crashes_is_named_while_its_master_lives(adopted):
    master = member("postfix-in")["pid"]
    break_program("qmgr")
    kill_processes("postfix-in", "qmgr")
    look_at("postfix-in")
    shown = wait_for_health("postfix-in", "degraded")
    assert (shown["state"], shown["pid"]) == ("running", master)
    assert check_of("postfix-in", "qmgr")["ok"] is False
    look_at("postfix-in")
    until(lambda: check_of("postfix-in", "services")["ok"] is False, 30, "and so are those who wait for it")
    detail = check_of("postfix-in", "services")["detail"]
    assert "qmgr/unix" in detail and "no process" in detail, detail
    assert "qmgr" in pmctl("status", "postfix-in").out
    assert "degraded" in events()
    assert wait_for_health("postfix-out", "ok")["health"] == "ok"

    mend_program("qmgr")   # master tries it again when its throttle time is over
    postconf("postfix-in", "service_throttle_time = 1s")
    assert pmctl("restart", "postfix-in").code == OK
    assert wait_for_health("postfix-in", "ok")["pid"] != master


def test_a_service_that_does_not_start_is_named_when_a_client_waits_for_it(adopted):
    break_program("smtpd")
    kill_processes("postfix-in", "smtpd")
    with socket.create_connection(("127.0.0.1", 25)):
        look_at("postfix-in")
        wait_for_health("postfix-in", "degraded")
        detail = check_of("postfix-in", "services")["detail"]
        assert "smtp/inet: " in detail and "and it has no process" in detail, detail   # one who waits, or two: we ask, too
    mend_program("smtpd")


def test_a_service_whose_processes_are_all_busy_is_named(border):
    subprocess.run(["postconf", "-c", "/etc/postfix-in", "-F", "smtp/inet/process_limit=1"], check=True)
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    session = smtp.HeldSession()
    with socket.create_connection(("127.0.0.1", 25)) as second:
        look_at("postfix-in")
        wait_for_health("postfix-in", "degraded")
        detail = check_of("postfix-in", "services")["detail"]
        assert detail.startswith("smtp/inet: ") and "because all 1 processes that its limit allows are busy" in detail, detail
        assert session.finish()[0] == 250
        assert smtp.greeting(second).startswith("220")
    look_at("postfix-in")
    look_at("postfix-in")
    wait_for_health("postfix-in", "ok")


def test_who_listens_and_does_not_greet_is_named_after_a_start_and_when_asked(border):
    break_program("smtpd")
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:   # here the client speaks first
        master_cf.write("127.0.0.1:2465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n")
    postconf("postfix-in", "service_throttle_time = 1s")
    Postmultid().start()
    wait_for_all_running()   # a missing banner is no failed start
    wait_for_health("postfix-in", "degraded", within=60)
    until(lambda: (check_of("postfix-in", "banner") or {"ok": None})["ok"] is False, 60, "nobody greets")
    detail = check_of("postfix-in", "banner")["detail"]
    assert "smtp: no banner at *:25" in detail and "2465" not in detail, detail
    mend_program("smtpd")
    look_at("postfix-in")
    look_at("postfix-in")
    wait_for_health("postfix-in", "ok")


def test_a_service_whose_processes_are_all_busy_is_no_reason_to_restart(border):
    supervise("on_unhealthy: restart")
    subprocess.run(["postconf", "-c", "/etc/postfix-in", "-F", "smtp/inet/process_limit=1"], check=True)
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    master = member("postfix-in")["pid"]
    session = smtp.HeldSession()
    with socket.create_connection(("127.0.0.1", 25)):
        look_at("postfix-in")
        wait_for_health("postfix-in", "degraded")
        for _ in range(3):
            look_at("postfix-in")
        assert member("postfix-in")["pid"] == master
        assert session.finish()[0] == 250


def test_a_service_that_a_reload_took_away_is_not_missed(border):
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write("127.0.0.1:2527 inet n - n - - smtpd\n")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    look_at("postfix-in")
    wait_for_health("postfix-in", "ok")
    subprocess.run(["postconf", "-c", "/etc/postfix-in", "-MX", "127.0.0.1:2527/inet"], check=True)
    until(lambda: pmctl("reload", "postfix-in").code == OK, 20, "it is reloaded")
    # A look that had begun before the reload still tells of it.
    until(lambda: "127.0.0.1:2527" not in member("postfix-in")["listeners"], 30, "it is not shown any more")
    for _ in range(3):
        look_at("postfix-in")
    assert member("postfix-in")["health"] == "ok", member("postfix-in")["checks"]


def test_a_stopped_master_is_degraded_and_a_stop_ends_it_with_force(border):
    supervise("stop_timeout: 1s")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    master = member("postfix-in")["pid"]
    os.kill(master, signal.SIGSTOP)
    look_at("postfix-in")
    wait_for_health("postfix-in", "degraded")
    assert "stopped by a signal" in check_of("postfix-in", "master")["detail"]
    os.kill(master, signal.SIGCONT)
    look_at("postfix-in")
    wait_for_health("postfix-in", "ok")

    os.kill(master, signal.SIGSTOP)
    assert pmctl("stop", "postfix-in").code == OK
    assert member("postfix-in")["state"] == "stopped"
    assert not of_instance("postfix-in")
    told = events()
    assert "SIGKILL" in told and "lock free, no process and no listener left" in told


def test_on_unhealthy_restart_gets_a_stopped_master_going_again(border):
    supervise("stop_timeout: 1s", "on_unhealthy: restart")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    look_at("postfix-in")
    wait_for_health("postfix-in", "ok")
    master = member("postfix-in")["pid"]
    os.kill(master, signal.SIGSTOP)
    look_at("postfix-in")
    shown = wait_for_restart("postfix-in", master)
    assert shown["restarts"] == 1
    smtp.wait_for_greeting()

    # A configuration that would not come up again keeps the old master, well or not.
    postconf("postfix-in", "max_idle = 5q")
    os.kill(shown["pid"], signal.SIGSTOP)
    until(lambda: "max_idle" in events(), 60, "the restart for health is refused")
    assert member("postfix-in")["pid"] == shown["pid"]
    os.kill(shown["pid"], signal.SIGCONT)


def test_instances_that_share_an_endpoint_are_named_and_run(border):
    for line in ("127.0.0.1:10026 inet n - n - - smtpd\n", "127.0.0.1:2526 inet n - n - - smtpd\n"):
        with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
            master_cf.write(line)
    Postmultid().start()
    wait_for_all_running()
    mine, theirs = check_of("postfix-in", "config"), check_of("postfix-out", "config")
    assert (mine["ok"], theirs["ok"]) == (False, False)
    assert mine["detail"] == "127.0.0.1:10026 (127.0.0.1:10026) is shared with postfix-out: connections go to either"
    assert "postfix-in" in theirs["detail"]
    assert member("postfix-in")["health"] == "degraded"
    subprocess.run(["postconf", "-c", "/etc/postfix-in", "-MX", "127.0.0.1:10026/inet"], check=True)
    wait_for_health("postfix-out", "ok")


def test_a_queue_without_the_room_that_postfix_wants_is_degraded_and_no_reason_to_restart(border):
    supervise("on_unhealthy: restart")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    master = member("postfix-in")["pid"]
    free = os.statvfs("/var/spool/postfix-in")
    # The queue's room is compared with what a master reads when it starts or is told to.
    postconf("postfix-in", f"message_size_limit = {free.f_bavail * free.f_frsize}")
    until(lambda: pmctl("restart", "postfix-in").code == OK, 20, "it is restarted with that")
    look_at("postfix-in")
    wait_for_health("postfix-in", "degraded")
    assert "message_size_limit" in check_of("postfix-in", "queue")["detail"]
    restarted = member("postfix-in")["pid"]
    assert restarted != master
    for _ in range(3):
        look_at("postfix-in")
    assert member("postfix-in")["pid"] == restarted


def test_a_queue_whose_disk_hangs_is_named_and_stops_nobody_else(border, monkeypatch):
    hangs, library = Path("/tmp/hang"), "/tmp/hang.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, REPOSITORY / "tests/lab/hang.c", "-ldl"], check=True)
    start_masters()
    for name, value in (("LD_PRELOAD", library), ("HANG_BELOW", "/var/spool/postfix-out"), ("HANG_AT", str(hangs))):
        monkeypatch.setenv(name, value)
    Postmultid().start()
    monkeypatch.undo()
    wait_for_all_running()
    for ident in ("postfix-out", "postfix-in"):
        wait_for_health(ident, "ok")
    os.mkfifo(hangs)
    checks = [subprocess.Popen([PMCTL, "check", "postfix-out"], stdout=subprocess.DEVNULL) for _ in range(12)]
    for verb in ("check", "stop", "start"):
        began = time.monotonic()
        # Not before the writer below comes, if it waited for that disk. For its turn it does: only so many checks are at a time.
        assert pmctl(verb, "postfix-in").code == OK
        assert time.monotonic() - began < 60
    wait_for_health("postfix-out", "degraded", within=60)
    assert "does its disk hang?" in check_of("postfix-out", "queue")["detail"]
    writer = os.open(hangs, os.O_RDWR)   # lets all go on that hang, and who comes until it is gone
    hangs.unlink()
    for check in checks:   # postfix check itself may have met the hanging disk
        check.wait(60)
    wait_for_health("postfix-out", "ok", within=40)
    os.close(writer)
