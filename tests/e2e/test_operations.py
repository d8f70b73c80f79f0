"""Operations: what they do, what they say, and what they leave alone."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import smtp
from lab.border import postconf
from lab.control import PMCTL, Postmultid, get, member, pmctl, post, request, status, wait_for_all_running
from lab.waiting import until

OK, FAILED, USAGE, NOT_RUNNING, NO_SUCH_INSTANCE, UNREACHABLE, TIMED_OUT, NOT_PERMITTED, REFUSED = (
    0, 1, 2, 3, 4, 69, 75, 77, 78)


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def parameter(ident, name):
    return subprocess.run(["postconf", "-xhc", f"/etc/{ident}", name], check=True, capture_output=True,
                          text=True).stdout.strip()


# ---------------------------------------------------------------------------------------------------- reload

def test_a_reload_takes_effect_and_leaves_master_and_sessions(daemon, border):
    before = pids()
    session = smtp.HeldSession()
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write("127.0.0.1:2526 inet n - n - - smtpd\n")
    result = pmctl("reload", "postfix-in")
    assert result.code == OK, result
    assert pids() == before
    smtp.wait_for_greeting(port=2526)
    until(lambda: "127.0.0.1:2526" in member("postfix-in")["listeners"], 10, "the new listener is shown")
    assert session.finish()[0] == 250
    assert border.syslog.find(r"^postfix-in/master\[\d+\]: reload")


DEADLY = (
    (lambda: postconf("postfix-in", "max_idle = 5q"), "max_idle"),
    (lambda: append("127.0.0.1:no-such-service inet n - n - - smtpd"), "no-such-service"),
    (lambda: append("no-such-host.invalid:2526 inet n - n - - smtpd"), "no-such-host.invalid"),
    (lambda: append("127.0.0.1:2525 inet n - n - - smtpd"), "127.0.0.1:2525"),
    (lambda: append("192.0.2.1:2526 inet n - n - - smtpd"), "192.0.2.1"),
    (lambda: append("no-such/place unix - - n - - smtp"), "no-such/place"),
    (lambda: append("x" * 150 + " unix - - n - - smtp"), "too long"),
    (lambda: append("submission inet n - y - smtpd"), "/etc/postfix-in/master.cf:"),
    (lambda: postconf("postfix-in", "inet_interfaces = 192.0.2.1"), "inet_interfaces"),
)


def test_a_reload_that_would_kill_the_master_is_refused_before_the_first_signal(adopted, border):
    old = member("postfix-in")["pid"]
    for spoil, where in DEADLY:
        shutil.copytree("/etc/postfix-in", "/tmp/good")
        spoil()
        result = pmctl("reload", "postfix-in")
        assert result.code == REFUSED, result
        assert where in result.out, result
        assert "/etc/postfix-in/" in result.out, result
        shutil.copytree("/tmp/good", "/etc/postfix-in", dirs_exist_ok=True)
        shutil.rmtree("/tmp/good")
    assert member("postfix-in")["pid"] == old
    assert not border.syslog.find(r"^postfix-in/master\[\d+\]: reload")


def append(line):
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write(line + "\n")


def test_a_change_that_a_reload_ignores_is_shown_as_restart_required(adopted):
    postconf("postfix-in", "inet_interfaces = 127.0.0.1")
    assert pmctl("reload", "postfix-in").code == OK
    assert member("postfix-in")["restart_required"] is True
    assert member("postfix-out")["restart_required"] is False
    assert pmctl("restart", "postfix-in").code == OK
    assert member("postfix-in")["restart_required"] is False


def test_a_reload_of_what_is_stopped_fails_and_starts_nothing(adopted):
    assert pmctl("stop", "postfix-in").code == OK
    result = pmctl("reload", "postfix-in")
    assert (result.code, "not running" in result.out) == (FAILED, True)
    assert member("postfix-in")["state"] == "stopped"


# ---------------------------------------------------------------------------------------------------- the others

def test_flush_delivers_what_is_deferred(daemon, border):
    postconf("postfix-out", "minimal_backoff_time = 1h", "maximal_backoff_time = 2h", "queue_run_delay = 1h")
    assert pmctl("restart", "postfix-out").code == OK
    border.sink.refuse = True
    ident = smtp.send()
    until(lambda: pmctl("logs", "out").code is not None and deferred("postfix-out"), 30, "the message is deferred")
    border.sink.refuse = False
    assert pmctl("flush", "postfix-out").code == OK
    border.sink.wait_for([ident], within=20)


def deferred(ident):
    return [path for path in Path(f"/var/spool/{ident}/deferred").rglob("*") if path.is_file()]


def test_abort_stops_at_once_in_no_order(daemon):
    result = pmctl("abort", "-")
    assert result.code == OK
    assert member("-")["state"] == "stopped"
    assert member("postfix-in")["state"] == "running"


def test_check_says_what_postfix_check_says_and_changes_no_state(adopted):
    assert pmctl("check", "-a").code == OK
    postconf("postfix-out", "max_idle = 5q")
    before = pids()
    result = pmctl("check", "postfix-out")
    assert (result.code, "max_idle" in result.out) == (REFUSED, True)
    assert pids() == before


def test_enable_and_disable_edit_main_cf_and_touch_no_process(adopted):
    before = pids()
    assert pmctl("disable", "postfix-in").code == OK
    assert parameter("postfix-in", "multi_instance_enable") == "no"
    assert pmctl("is-enabled", "postfix-in").code == FAILED
    assert pids() == before
    assert pmctl("enable", "postfix-in").code == OK
    assert parameter("postfix-in", "multi_instance_enable") == "yes"
    # postmulti could not manage anything any more.
    assert pmctl("disable", "-").code == REFUSED


# ---------------------------------------------------------------------------------------------------- op

def test_an_operation_has_steps_results_and_says_what_it_waits_for(defined):
    assert pmctl("stop", "-a").code == OK
    begun = post("/v1/operations", {"action": "start", "select": {"all": True}}).json
    assert begun["requested_by"]["uid"] == 0
    waiting = {part["id"]: part["waiting_for"] for part in get(f"/v1/operations/{begun['id']}").json["members"]}
    assert waiting["postfix-in"] in ("-", "postfix-out", "filter")
    assert pmctl("op", "wait", begun["id"]).code == OK
    done = get(f"/v1/operations/{begun['id']}").json
    steps = {part["id"]: [step["name"] for step in part["steps"]] for part in done["members"]}
    assert steps["postfix-in"] == ["queued", "finding", "checking", "launching", "proving", "running"]
    assert begun["id"] in pmctl("op", "list").out
    assert "proving" in pmctl("op", "show", begun["id"]).out


def test_a_later_operation_takes_over_one_member_and_leaves_the_others(daemon):
    held = member("postfix-in")["pid"]
    os.kill(held, signal.SIGSTOP)   # so that the others have to wait for its end
    first = post("/v1/operations", {"action": "stop", "select": {"all": True}}).json["id"]
    waiting = {part["id"]: part["waiting_for"] for part in get(f"/v1/operations/{first}").json["members"]}
    assert waiting == {"-": "postfix-in", "postfix-out": "postfix-in", "postfix-in": None}
    second = post("/v1/operations", {"action": "start", "select": {"names": ["-"]}}).json["id"]
    get(f"/v1/operations/{second}?wait=60s")
    os.kill(held, signal.SIGCONT)
    get(f"/v1/operations/{first}?wait=60s")
    results = {part["id"]: part["result"] for part in get(f"/v1/operations/{first}").json["members"]}
    assert results == {"-": "superseded", "postfix-out": "done", "postfix-in": "done"}
    assert member("-")["state"] == "running"
    assert pmctl("is-active", "postfix-in").code == NOT_RUNNING


def test_who_asks_for_what_is_asked_for_already_gets_the_same_answer(daemon):
    assert pmctl("stop", "-a").code == OK
    asked = [post("/v1/operations", {"action": "start", "select": {"all": True}}).json["id"] for _ in range(3)]
    for each in asked:
        assert get(f"/v1/operations/{each}?wait=60s").json["result"] == "succeeded"
    reloads = [subprocess.Popen([PMCTL, "reload", "out"], stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(60) for process in reloads] == [OK] * 3


def test_a_cancelled_operation_leaves_what_it_has_not_begun_with(daemon):
    assert pmctl("stop", "-a").code == OK
    begun = post("/v1/operations", {"action": "start", "select": {"all": True}}).json["id"]
    assert request("DELETE", f"/v1/operations/{begun}").status == 200
    done = get(f"/v1/operations/{begun}?wait=60s").json
    results = {part["id"]: part["result"] for part in done["members"]}
    assert results["postfix-in"] == "cancelled"
    assert member("postfix-in")["state"] == "stopped"
    assert pmctl("op", "show", begun).code == OK
    assert pmctl("op", "cancel", "op-999").code != OK


# ---------------------------------------------------------------------------------------------------- asking

def test_events_are_numbered_and_follow_what_happens(adopted):
    lines = get("/v1/events?follow=no").lines
    assert [event["number"] for event in lines] == list(range(1, len(lines) + 1))
    with subprocess.Popen([PMCTL, "-o", "json", "events", "-f", "-n", "0", "postfix-in"], stdout=subprocess.PIPE,
                          text=True) as following:
        # It is listening when it has told of what comes next, so something comes until it does.
        until(lambda: pmctl("reset-failed", "postfix-in").code == OK and readable(following.stdout), 20, "an event")
        assert '"instance":"postfix-in"' in following.stdout.readline()
        following.terminate()
    assert "reset-failed" in pmctl("events", "postfix-in", "-n", "1").out


def readable(stream):
    import select
    return select.select([stream], [], [], 0.05)[0]


def test_logs_shows_the_last_lines_of_that_instance(border):
    postconf("postfix-in", "maillog_file = /var/log/postfix-in.log")
    Postmultid().start()
    wait_for_all_running()
    result = pmctl("logs", "in", "-n", "3")
    assert result.code == OK
    assert "postfix-in/master" in result.out
    assert len(result.out.splitlines()) <= 3
    # No journal and no mail log in a private host: that is said, not hidden.
    assert pmctl("logs", "out").code == FAILED


def test_wait_and_the_questions_answer_by_exit_status(adopted):
    assert pmctl("wait", "-a").code == OK
    assert pmctl("is-active", "-a").out.split() == ["running"] * 3
    assert pmctl("is-failed", "out").code == FAILED
    assert pmctl("is-enabled", "out", "-q").out == ""
    started = time.monotonic()
    assert pmctl("wait", "out", "--for", "stopped", "--timeout", "300ms").code == TIMED_OUT
    assert time.monotonic() - started < 10
    assert pmctl("stop", "out").code == OK
    assert pmctl("wait", "out", "--for", "stopped").code == OK


def test_patterns_select_members(adopted):
    assert pmctl("status", "postfix-*", "-o", "columns=id").out.split() == ["postfix-out", "postfix-in"]
    assert pmctl("status", "nothing-*").code == NO_SUCH_INSTANCE


def test_every_exit_status_is_the_documented_one(daemon):
    assert pmctl("status").code == OK
    assert pmctl("reload").code == USAGE
    assert pmctl("op").code == USAGE
    assert pmctl("stop", "in").code == OK
    assert pmctl("flush", "in").code == FAILED
    assert pmctl("status", "in").code == NOT_RUNNING
    assert pmctl("start", "nobody-knows").code == NO_SUCH_INSTANCE
    assert pmctl("restart", "out", "--timeout", "1ms").code == TIMED_OUT
    append_to_out("submission inet n - y - smtpd")
    assert pmctl("restart", "out").code == REFUSED
    nobody = {"user": "nobody", "group": "nogroup", "extra_groups": [], "cwd": "/"}
    # A copy that nobody may run, wherever this repository lies.
    copy = Path("/usr/local/bin/pmctl")
    copy.write_bytes(PMCTL.read_bytes())
    copy.chmod(0o755)
    assert subprocess.run([copy, "status"], capture_output=True, check=False, **nobody).returncode == NOT_PERMITTED
    daemon.kill()
    assert pmctl("status").code == UNREACHABLE


def append_to_out(line):
    with open("/etc/postfix-out/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write(line + "\n")
