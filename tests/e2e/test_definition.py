"""The definition file: order, companions, reading it again, and every mistake in it."""
import os
import re
import signal
from pathlib import Path

import pytest

from lab import smtp
from lab.border import REPOSITORY, Surroundings
from lab.control import (
    Postmultid, get, member, pmctl, post, status, wait_for_all_running, wait_for_restart, wait_for_state)
from lab.definition import FILE, ORDER, border_definition, companion, define
from lab.processes import listening_ports, processes
from lab.waiting import until

OK, REFUSED = 0, 78
BAD = sorted((REPOSITORY / "tests/definitions/bad").glob("*.yaml"))


def happened(what):
    """Who had such an event, in order."""
    return [event["instance"] for event in get("/v1/events?follow=no").lines if event["what"] == what]


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def test_members_start_in_the_order_of_the_definition_each_ready_before_the_next(defined):
    assert [shown["id"] for shown in status()["members"]] == list(ORDER)
    assert happened("running") == list(ORDER)
    defined.sink.wait_for([smtp.send()], within=20)


def test_they_stop_in_the_reverse_order_and_nothing_is_left(defined):
    assert pmctl("stop", "-a").code == OK
    assert happened("stopped") == list(reversed(ORDER))
    assert {25, 10025, 10026}.isdisjoint(listening_ports())
    assert not [process for process in processes() if process.command == "border-filter"]


def test_a_companion_runs_as_its_user_and_its_process_is_shown_with_proof(defined):
    shown = member("filter")
    assert (shown["kind"], shown["group"], shown["enabled"]) == ("companion", "mta", True)
    assert shown["listeners"] == ["127.0.0.1:10025"]
    owner = os.stat(f"/proc/{shown['pid']}").st_uid
    import pwd
    assert owner == pwd.getpwnam("nobody").pw_uid
    assert shown["proof"]["pid"] == shown["pid"]
    assert shown["proof"]["executable"] == os.readlink(f"/proc/{shown['pid']}/exe")
    assert "proof" in pmctl("status", "filter").out


def test_a_filter_that_dies_comes_back_and_the_others_are_not_touched(defined):
    before = pids()
    os.kill(before["filter"], signal.SIGKILL)
    wait_for_restart("filter", before["filter"])
    after = pids()
    assert {ident: after[ident] for ident in ORDER if ident != "filter"} == {
        ident: before[ident] for ident in ORDER if ident != "filter"}
    defined.sink.wait_for([smtp.send()], within=20)


def test_a_filter_that_never_answers_holds_what_comes_after_it_by_name():
    define(companion(["/bin/sleep", "1000"], more="  supervise: { start_timeout: 60s }\n"))
    with Surroundings(with_filter=False):
        Postmultid().start()
        wait_for_state("filter", "starting")
        held = wait_for_state("postfix-in", "waiting")
        assert "filter" in held["reason"]["message"]
        assert member("postfix-out")["state"] == "running"
        assert 25 not in listening_ports()
        assert "waits for filter" in pmctl("status").out


def test_a_filter_that_gives_up_is_failed_with_its_reason_and_holds_what_comes_after_it():
    define(companion(["/bin/sleep", "1000"],
                     more="  supervise: { start_timeout: 1s, start_limit: 1, restart_delay: 10ms }\n"))
    with Surroundings(with_filter=False):
        Postmultid().start()
        failed = wait_for_state("filter", "failed")
        assert "127.0.0.1:10025" in failed["reason"]["message"]
        assert "filter" in member("postfix-in")["reason"]["message"]
        # Mended and read again, all of it comes up.
        define()
        assert pmctl("daemon", "reread").code == OK
        assert pmctl("start", "filter").code == OK
        wait_for_all_running()


@pytest.mark.parametrize("command, more, why", [
    (["/no/such/filter"], "", "/no/such/filter"),
    (["/bin/sleep", "1"], "  user: no-such-user\n", "no-such-user"),
    (["/bin/sleep", "1"], "  directory: /no/such/directory\n", "/no/such/directory"),
], ids=["program", "user", "directory"])
def test_a_companion_that_cannot_be_run_says_why_and_where_it_was_declared(command, more, why):
    define(companion(command, more=more))
    with Surroundings(with_filter=False):
        Postmultid().start()
        message = wait_for_state("filter", "failed")["reason"]["message"]
        assert why in message
        assert f"{FILE}:6:9" in message


def test_a_companion_whose_port_somebody_else_has_does_not_pass_for_ready(border):
    """`border` runs a filter of its own on that port."""
    define(companion(["/bin/sleep", "1000"]))
    Postmultid().start()
    until(lambda: "127.0.0.1:10025 is in use by process" in reason_of("filter"), 30, "the port's owner is named")
    assert member("postfix-in")["state"] == "waiting"


def reason_of(ident):
    reason = member(ident)["reason"]
    return reason["message"] if reason else ""


def test_everybody_keeps_his_name_when_all_is_read_again(defined):
    before = pids()
    for arguments in (("daemon", "reread"), ("reload", "-a"), ("check", "-a")):
        assert pmctl(*arguments).code == OK
    assert [shown["id"] for shown in status()["members"]] == list(ORDER)
    assert pids() == before
    assert status()["daemon"]["definition_problems"] == []


def test_a_killed_daemon_leaves_the_companion_running_and_the_next_one_adopts_it(defined):
    before = pids()
    defined.daemon.kill()
    Postmultid().start()
    wait_for_all_running()
    assert pids() == before
    assert member("filter")["proof"]["adopted"]
    os.kill(before["filter"], signal.SIGKILL)
    wait_for_restart("filter", before["filter"])


def test_two_companions_with_names_alike_are_kept_apart(border):
    one, two = (f"- name: {name}\n  command: [/bin/sleep, \"{seconds}\"]\n" for name, seconds in (("f", 1001), ("f.new", 1002)))
    define(f"version: 1\ngroups:\n- name: g\n  members: [f, f.new]\ncompanions:\n{one}{two}")
    daemon = Postmultid().start()
    wait_for_all_running()
    assert pmctl("restart", "f").code == OK
    before = pids()
    daemon.kill()
    Postmultid().start()
    wait_for_all_running()
    assert pids() == before
    assert pmctl("stop", "f", "f.new").code == OK
    assert not [process for process in processes() if process.command == "sleep"]


WORKER = """#!/bin/bash
# The main process only waits; a child of it serves.
/usr/local/sbin/border-filter &
wait
"""


@pytest.fixture
def with_worker():
    """The border mail server with a filter whose child serves: it outlives its parent."""
    program = Path("/usr/local/sbin/filter-with-worker")
    program.write_text(WORKER)
    program.chmod(0o755)
    define(companion([str(program)]))
    with Surroundings(with_filter=False) as surroundings:
        surroundings.daemon = Postmultid().start()
        wait_for_all_running()
        yield surroundings


def test_what_a_dead_companion_leaves_is_ended_before_it_starts_again(with_worker):
    old = member("filter")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart("filter", old)
    # ... and what it left while no daemon was there.
    with_worker.daemon.kill()
    old = member_of_the_dead = int(next(process.pid for process in processes() if process.command == "filter-with-wor"))
    os.kill(member_of_the_dead, signal.SIGKILL)
    Postmultid().start()
    wait_for_restart("filter", old)
    wait_for_all_running()
    assert len([process for process in processes() if process.command == "border-filter"]) == 1


def test_nothing_is_left_of_a_companion_that_somebody_else_stopped(with_worker):
    os.kill(member("filter")["pid"], signal.SIGTERM)
    shown = wait_for_state("filter", "stopped")
    assert shown["reason"]["code"] == "stopped-outside"
    assert 10025 not in listening_ports()
    assert pmctl("start", "filter").code == OK


def test_a_companion_that_is_taken_out_of_the_definition_runs_on_marked_until_it_is_stopped(defined):
    old = member("filter")["pid"]
    define("version: 1\n")
    assert pmctl("daemon", "reread").code == OK
    shown = member("filter")
    assert (shown["state"], shown["pid"], shown["reason"]["code"]) == ("running", old, "not-listed")
    defined.daemon.kill()
    Postmultid().start()
    wait_for_all_running()
    assert "filter" in pmctl("status").out.splitlines()[1]   # still there, and nobody's
    os.kill(old, signal.SIGTERM)


def test_a_definition_that_is_read_again_changes_the_order_and_leaves_what_runs(border):
    daemon = Postmultid().start()
    wait_for_all_running()
    before = pids()
    define("version: 1\ngroups:\n- name: mta\n  members: [postfix-in, postfix-out]\n")
    assert pmctl("daemon", "reread").code == OK
    assert [shown["id"] for shown in status()["members"]] == ["-", "postfix-in", "postfix-out"]
    os.kill(daemon.pid, signal.SIGHUP)   # as daemons do
    assert pids() == before
    assert status()["daemon"]["definition_files"] == [str(FILE)]


def test_a_name_that_postfix_does_not_list_is_shown_and_hurts_nobody(border):
    define("version: 1\ngroups:\n- name: mta\n  members: [postfix-oout, postfix-in]\n")
    Postmultid().start()
    wait_for_all_running()
    assert [shown["id"] for shown in status()["members"]] == ["-", "postfix-in", "postfix-out"]
    assert f"{FILE}:4:13" in pmctl("status").out
    assert "postfix-out" in status()["daemon"]["definition_problems"][0]


def test_a_daemon_that_starts_with_a_bad_definition_supervises_what_postfix_lists_and_says_so(border):
    define(border_definition() + "grups: []\n")
    Postmultid().start()
    wait_for_all_running()
    assert [shown["id"] for shown in status()["members"]] == ["-", "postfix-out", "postfix-in"]
    assert re.search(rf"{FILE}:\d+:1: .*grups.*groups", pmctl("status").out)


@pytest.mark.time_limit(300)
def test_every_bad_definition_is_refused_with_its_place_by_validate_and_by_the_daemon_and_changes_nothing(defined):
    before = (pids(), get("/v1/status").json["groups"])
    assert len(BAD) >= 50
    for sample in BAD:
        text = sample.read_bytes()
        written = re.match(rb"# (\d+:\d+)", text)   # none where the complaint is about the whole file
        place = f":{written[1].decode()}: " if written else ": "
        validated = pmctl("validate", str(sample))
        assert (validated.code, place in validated.err) == (REFUSED, True), (sample, validated)
        FILE.write_bytes(text)
        answer = post("/v1/daemon/reread", {})
        assert (answer.status, answer.json["code"]) == (422, "bad-definition"), sample
        assert f"{FILE}{place}" in answer.json["detail"], (sample, answer.json)
    assert (pids(), get("/v1/status").json["groups"]) == before
    refused = pmctl("daemon", "reread")
    assert refused.code == REFUSED


def test_validate_shows_the_start_order_and_needs_no_daemon():
    define()
    result = pmctl("validate")
    assert result.code == OK
    assert "- > postfix-out > filter > postfix-in" in result.out
    Path("/etc/postmultid/conf.d").mkdir()
    Path("/etc/postmultid/conf.d/more.yaml").write_text("groups:\n- name: mta\n  parallel: perhaps\n")
    result = pmctl("validate")
    assert result.code == REFUSED
    assert "/etc/postmultid/conf.d/more.yaml:3:13" in result.err


def test_validate_lets_postfixs_own_postconf_read_what_is_to_be_in_its_files():
    head = "version: 1\ninstances:\n- name: postfix-out\n  main.cf: |\n    smtpd_hello = yes\n  master.cf: |\n"
    define(head + "    x  unix  -  -  n  -  -  nosuch\n")
    result = pmctl("validate")
    assert result.code == OK
    assert f'{FILE}:5:5: Postfix has no parameter "smtpd_hello"' in result.out
    assert f"{FILE}:7:5: x/unix has no program: there is no /usr/lib/postfix/sbin/nosuch" in result.out
    define(head + "    x  unix  -  -  n  -  -  smtp -o { a = b\n")
    result = pmctl("validate")
    assert result.code == REFUSED
    assert f"{FILE}:7:5: " in result.err


def test_a_file_of_reload_on_that_changes_reloads_the_instance(border):
    certificate = Path("/etc/ssl/renewed.pem")
    certificate.write_text("old\n")
    define(f"version: 1\ninstances:\n- name: postfix-in\n  reload_on: [{certificate}]\n")
    Postmultid().start()
    wait_for_all_running()
    old = member("postfix-in")["pid"]
    renewed = certificate.with_suffix(".new")
    renewed.write_text("new\n")
    renewed.rename(certificate)
    until(lambda: "postfix-in" in happened("reloaded"), 20, "postfix-in reloaded")
    assert member("postfix-in")["pid"] == old
