"""What a master leaves behind: commands of pipe(8) when it is stopped, sessions when it crashes. Each has its rule and its
time, and the rule's end is evidence."""
import os
import signal
import subprocess
import time
from pathlib import Path

from lab import smtp
from lab.border import postconf, start_masters
from lab.control import Postmultid, member, pmctl, wait_for_all_running, wait_for_restart
from lab.definition import supervise
from lab.processes import of_instance, processes
from lab.waiting import until

OK = 0
BEGUN, DONE = Path("/tmp/delivery.begun"), Path("/tmp/delivery.done")


def deliver_by(script):
    """Everything that postfix-in takes is given to a command by pipe(8), and one message is on its way in it."""
    command = Path("/usr/local/bin/deliver")
    command.write_text(f"#!/bin/sh\ncat >/dev/null\necho $$ >{BEGUN}.new && mv {BEGUN}.new {BEGUN}\n{script}\n")
    command.chmod(0o755)
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write(f"deliver unix - n n - - pipe\n  user=nobody argv={command}\n")
    postconf("postfix-in", "default_transport = deliver", "relay_transport = deliver")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    smtp.send()
    until(BEGUN.exists, 20, "the message is with the command")
    return int(BEGUN.read_text())


def lives(pid):
    return any(process.pid == pid and process.state != "Z" for process in processes())


def events():
    return pmctl("events", "-n", "100").out


def test_a_stop_waits_for_a_delivery_command_that_its_daemons_have_begun(border):
    command = deliver_by(f"sleep 3; touch {DONE}")
    assert pmctl("stop", "postfix-in").code == OK
    assert DONE.exists() and not lives(command)
    assert not of_instance("postfix-in")


def test_a_delivery_command_that_does_not_end_is_ended_after_stop_grace(border):
    supervise("stop_grace: 1s")
    command = deliver_by("trap '' TERM; while :; do sleep 0.1; done")
    began = time.monotonic()
    assert pmctl("stop", "postfix-in").code == OK
    assert not lives(command)
    assert 1 <= time.monotonic() - began < 9
    assert "left-over processes did not end within stop_grace" in events()


def test_a_command_of_somebody_else_is_left_alone(border):
    """An administrator works in the instance's queue directory, with its MAIL_CONFIG, as postmulti -x would give it."""
    with subprocess.Popen(["sleep", "300"], cwd="/var/spool/postfix-in", env={"MAIL_CONFIG": "/etc/postfix-in"}) as other:
        start_masters()
        Postmultid().start()
        wait_for_all_running()
        assert pmctl("stop", "postfix-in").code == OK
        assert other.poll() is None
        other.kill()


def test_sessions_that_survive_a_crash_are_shown_and_end_by_themselves(adopted):
    session = smtp.HeldSession()
    old = member("postfix-in")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart("postfix-in", old)
    until(lambda: member("postfix-in")["survivors"], 10, "the one in a session is shown")
    assert member("postfix-in")["survivors"]["count"] >= 1   # smtpd, and who still serves that
    assert "of an earlier master finish what they are at" in pmctl("status", "postfix-in").out
    assert session.finish()[0] == 250
    until(lambda: not member("postfix-in")["survivors"], 20, "it has ended, and is not shown any more")
    assert "orphan_grace" not in events()


def test_a_session_that_survives_a_crash_for_too_long_is_ended(border):
    supervise("orphan_grace: 2s")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    session = smtp.HeldSession()
    old = member("postfix-in")["pid"]
    [smtpd] = [process.pid for process in of_instance("postfix-in") if process.command == "smtpd"]
    os.kill(old, signal.SIGKILL)
    new = wait_for_restart("postfix-in", old)["pid"]
    until(lambda: not lives(smtpd), 10, "it is ended")
    assert "processes of an earlier master had not ended within orphan_grace: SIGTERM" in events()
    assert member("postfix-in")["pid"] == new
    smtp.send()   # nobody else was hit
    del session


def test_a_new_daemon_finds_the_survivors_of_a_master_that_crashed_before(border):
    supervise("orphan_grace: 3s")
    start_masters()
    first = Postmultid().start()
    wait_for_all_running()
    session = smtp.HeldSession()
    old = member("postfix-in")["pid"]
    [smtpd] = [process.pid for process in of_instance("postfix-in") if process.command == "smtpd"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart("postfix-in", old)
    first.kill()
    assert lives(smtpd)
    Postmultid().start()
    wait_for_all_running()
    until(lambda: not lives(smtpd), 15, "it is ended by the next one")
    smtp.send()
    del session
