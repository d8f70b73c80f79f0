"""pmctl as an operator meets it: what it selects, what it says, how it exits."""
import os
import signal
import subprocess
import time

from lab.border import MEMBERS, postconf
from lab.control import (
    PMCTL, POSTMULTID, SOCKET, Postmultid, get, member, pmctl, status, wait_for_all_running)
from lab.processes import masters

OK, USAGE, NO_SUCH_INSTANCE, UNREACHABLE, REFUSED = 0, 2, 4, 69, 78


def states():
    return {shown["id"]: shown["state"] for shown in status()["members"]}


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def test_an_unknown_instance_is_named_and_the_nearest_name_suggested(adopted):
    result = pmctl("status", "postfix-ou")
    assert result.code == NO_SUCH_INSTANCE
    assert "postfix-ou" in result.err
    assert "postfix-out" in result.err


def test_without_a_daemon_pmctl_says_how_to_start_it():
    result = pmctl("status")
    assert result.code == UNREACHABLE
    assert "start" in result.err and "postmultid" in result.err
    assert SOCKET in result.err


def test_a_daemon_that_does_not_answer_is_waited_for_as_long_as_was_said_and_named(adopted):
    os.kill(adopted.pid, signal.SIGSTOP)
    for arguments in (("wait", "--for", "stopped", "postfix-out"), ("stop", "postfix-out"), ("op", "wait", "op-1")):
        before = time.monotonic()
        result = pmctl(*arguments, "--timeout", "500ms", within=20)
        assert result.code == UNREACHABLE, arguments
        assert "does not answer within 2 s" in result.err and "systemctl status postmultid" in result.err
        assert time.monotonic() - before < 5, arguments
    result = pmctl("status", within=40)
    assert result.code == UNREACHABLE and "within 15 s" in result.err
    os.kill(adopted.pid, signal.SIGCONT)


def test_wrong_usage_exits_2():
    for arguments in ((), ("no-such-verb",), ("status", "--no-such-option"), ("start",)):
        assert pmctl(*arguments).code == USAGE, arguments


def test_columns_prints_bare_values(adopted):
    assert pmctl("status", "postfix-in", "-o", "columns=pid").out.strip() == str(member("postfix-in")["pid"])


SELECTIONS = (
    (("postfix-out",), {"postfix-out"}),
    (("out",), {"postfix-out"}),
    (("/etc/postfix-out",), {"postfix-out"}),
    (("-",), {"-"}),
    (("-g", "mta"), {"postfix-out", "postfix-in"}),
    (("-a",), set(MEMBERS)),
)


def test_stop_start_and_restart_act_on_exactly_what_is_selected(daemon):
    for selection, selected in SELECTIONS:
        before = pids()

        assert pmctl("stop", *selection).code == OK, selection
        assert {ident for ident, state in states().items() if state == "stopped"} == selected
        assert {process.pid for process in masters()} == {pid for ident, pid in before.items() if ident not in selected}

        assert pmctl("start", *selection).code == OK, selection
        assert set(states().values()) == {"running"}

    for selection, selected in SELECTIONS[-2:]:
        started = pids()
        assert pmctl("restart", *selection).code == OK, selection
        assert set(states().values()) == {"running"}
        restarted = pids()
        assert {ident for ident in MEMBERS if started[ident] != restarted[ident]} == selected


def test_starting_what_runs_and_stopping_what_is_stopped_is_no_error(daemon):
    before = pids()
    assert pmctl("start", "out").code == OK
    assert pids() == before
    assert pmctl("stop", "out").code == OK
    assert pmctl("stop", "out").code == OK


def test_a_restart_with_a_broken_file_is_refused_and_the_old_master_serves_on(daemon, border):
    from lab import smtp
    old = member("postfix-in")["pid"]
    with open("/etc/postfix-in/master.cf", "r+", encoding="ascii") as master_cf:
        line = len(master_cf.readlines()) + 1
        master_cf.write("submission inet n - y - smtpd\n")
    result = pmctl("restart", "postfix-in")
    assert result.code == REFUSED
    assert f"/etc/postfix-in/master.cf:{line}" in result.text
    assert member("postfix-in")["pid"] == old
    assert [process.pid for process in masters()].count(old) == 1
    border.sink.wait_for([smtp.send()], within=20)


def test_a_restart_with_a_value_that_would_kill_the_master_is_refused(daemon):
    old = member("postfix-out")["pid"]
    postconf("postfix-out", "max_idle = 5q")   # postconf itself has nothing against it
    result = pmctl("restart", "postfix-out")
    assert result.code == REFUSED
    assert "max_idle" in result.text
    assert member("postfix-out")["pid"] == old


def test_a_second_daemon_refuses_to_start_whatever_its_socket(adopted):
    for arguments in ((), ("--socket", "/run/other.sock")):
        second = subprocess.run([POSTMULTID, *arguments], capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode != 0
        assert "another postmultid is running" in second.stderr
    assert set(states().values()) == {"running"}


def test_the_socket_that_a_dead_daemon_left_behind_is_replaced(adopted):
    adopted.kill()
    assert pmctl("status").code == UNREACHABLE
    Postmultid().start()
    wait_for_all_running()


def test_the_daemon_can_be_told_to_log_more_for_a_while(adopted):
    told = pmctl("daemon", "log-level", "debug")
    assert (told.code, told.out) == (OK, "log level  debug, until the definition is read again\n")
    last = get("/v1/events?follow=no&kind=configuration&last=1").lines[0]
    assert (last["what"], last["kind"]) == ("log-level", "configuration")
    assert pmctl("daemon", "log-level", "loud").code == USAGE


def test_another_socket_can_be_named():
    path = "/tmp/other.sock"
    with subprocess.Popen([POSTMULTID, "--socket", path], stderr=subprocess.DEVNULL) as process:
        try:
            from lab.waiting import until
            until(lambda: pmctl("-s", path, "version").code == OK, within=20, what=f"{PMCTL} -s {path} answered")
        finally:
            process.terminate()
