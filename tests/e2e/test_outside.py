"""What others do behind our back: it is noticed, respected, and never fought."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from lab import smtp
from lab.border import CONFIGURATION, postconf, retry_now, start_masters
from lab.control import Postmultid, member, pmctl, status, wait_for_all_running, wait_for_restart, wait_for_state
from lab.definition import define
from lab.processes import masters
from lab.waiting import until

OK = 0


def postfix(ident, command):
    return subprocess.run(["postfix", "-c", CONFIGURATION[ident], command], check=True, timeout=60)


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def assert_stays_stopped(ident):
    shown = wait_for_state(ident, "stopped", within=10)
    assert (shown["desired"], shown["reason"]["code"]) == ("down", "stopped-outside")
    assert "stopped outside postmultid" in pmctl("status", ident).out


def test_postfix_stop_by_hand_stays_stopped_and_says_so_and_postfix_start_is_adopted_within_two_seconds(daemon):
    others = {ident: pid for ident, pid in pids().items() if ident != "postfix-out"}
    postfix("postfix-out", "stop")
    assert_stays_stopped("postfix-out")

    postfix("postfix-out", "start")
    shown = wait_for_state("postfix-out", "running", within=2)
    assert shown["proof"]["adopted"]
    assert shown["desired"] == "up"
    assert {process.pid for process in masters()} == {shown["pid"], *others.values()}
    assert {ident: pid for ident, pid in pids().items() if ident != "postfix-out"} == others


def test_the_end_of_an_adopted_master_is_told_from_a_crash(daemon):
    daemon.kill()
    Postmultid().start()
    wait_for_all_running()
    postfix("postfix-in", "stop")
    assert_stays_stopped("postfix-in")

    old = member("postfix-out")["pid"]
    os.kill(old, signal.SIGKILL)
    shown = wait_for_restart("postfix-out", old)
    assert shown["last_exit"]["signal"] == "SIGKILL"


@pytest.mark.time_limit(240)
def test_a_daemon_killed_under_load_loses_nothing_and_its_successor_brings_back_who_died_meanwhile(daemon, border):
    before = pids()
    sender = smtp.Sender(150).start()
    until(lambda: len(sender.accepted) > 20, 30, "mail flows")
    daemon.kill()
    os.kill(before["postfix-out"], signal.SIGKILL)
    Postmultid().start()
    wait_for_restart("postfix-out", before["postfix-out"])
    wait_for_all_running()
    accepted = sender.join()
    border.sink.wait_for(accepted, within=120, nudge=retry_now)
    after = pids()
    assert (after["-"], after["postfix-in"]) == (before["-"], before["postfix-in"])


def test_a_stale_pid_file_that_names_an_innocent_process_harms_it_not(border):
    with subprocess.Popen(["/bin/sleep", "1000"]) as innocent:
        pid_file = Path("/var/spool/postfix-out/pid/master.pid")
        pid_file.write_text(f"{innocent.pid:>32}\n")
        Postmultid().start()
        wait_for_all_running()
        assert member("postfix-out")["pid"] != innocent.pid
        # Overwritten while it runs, too.
        pid_file.write_text(f"{innocent.pid:>32}\n")
        for verb in ("reload", "flush", "restart", "stop", "start", "abort"):
            result = pmctl(verb, "postfix-out")
            assert result.code == OK, (verb, result)
            assert innocent.poll() is None, verb
        innocent.kill()


def test_a_lock_held_by_a_stranger_is_reported_and_left_alone(border):
    holder = "import fcntl, signal, sys; f = open(sys.argv[1], 'a+'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); signal.pause()"
    Path("/var/spool/postfix-out/pid").mkdir(exist_ok=True)
    with subprocess.Popen(["/usr/bin/python3", "-c", holder, "/var/spool/postfix-out/pid/master.pid"],
                          stdout=subprocess.PIPE) as stranger:
        stranger.stdout.readline()
        Postmultid().start()
        shown = wait_for_state("postfix-out", "failed")
        assert shown["reason"]["code"] == "unproven-master"
        assert str(stranger.pid) in shown["reason"]["message"]
        pmctl("stop", "postfix-out", "--timeout", "5s")
        assert stranger.poll() is None
        stranger.kill()


def test_a_disabled_instance_started_by_hand_is_shown_and_survives_what_we_do_to_others(border):
    postconf("postfix-in", "multi_instance_enable = no")
    Postmultid().start()
    wait_for_state("postfix-out", "running")
    assert member("postfix-in")["state"] == "stopped"
    postfix("postfix-in", "start")
    shown = wait_for_state("postfix-in", "running", within=2)
    assert shown["enabled"] is False
    for arguments in (("restart", "-a"), ("reload", "-a"), ("stop", "-a"), ("start", "-a"), ("daemon", "reread")):
        assert pmctl(*arguments).code == OK, arguments
    assert member("postfix-in")["pid"] == shown["pid"]
    assert pmctl("is-enabled", "postfix-in").code == 1
    assert pmctl("is-active", "postfix-in").code == OK


def test_an_edited_configuration_ends_the_wait_of_a_refused_start(border):
    good = Path("/etc/postfix-out/main.cf").read_text()
    postconf("postfix-out", "max_idle = 5q")
    Postmultid().start()
    wait_for_state("postfix-out", "failed")
    Path("/etc/postfix-out/main.cf").write_text(good)
    wait_for_state("postfix-out", "running", within=20)
    wait_for_state("postfix-in", "running", within=20)


def test_an_instance_that_is_added_while_we_run_appears_by_itself(daemon):
    subprocess.run(["postmulti", "-I", "postfix-new", "-e", "create"], check=True, timeout=60)
    until(lambda: "postfix-new" in [shown["id"] for shown in status()["members"]], 10, "postfix-new is listed")
    shown = wait_for_state("postfix-new", "stopped")
    assert shown["enabled"] is False


# No tool of Postfix reads a main.cf before it is two seconds old, so what is edited is shown after that; what is done to a
# process at once.
EDITED, DONE_TO_A_PROCESS = 2 + 1.5, 1


def test_what_is_done_with_postfixs_own_tools_is_seen_at_once(adopted):
    before = pids()

    def enabled(ident):
        return member(ident)["enabled"]
    subprocess.run(["postmulti", "-i", "postfix-in", "-e", "disable"], check=True)
    until(lambda: enabled("postfix-in") is False, EDITED, "disabled by hand")
    subprocess.run(["postmulti", "-i", "postfix-in", "-e", "enable"], check=True)
    until(lambda: enabled("postfix-in"), EDITED, "enabled by hand")
    assert pids() == before

    # Its name and group belong to the instance, not to what runs: that goes on under its id until it is down.
    postconf("postfix-in", "multi_instance_group = other")
    until(lambda: member("postfix-in")["group"] == "other", EDITED, "the new group")
    postconf("postfix-in", "multi_instance_name = postfix-mx")
    until(lambda: member("postfix-in")["name"] == "postfix-mx", EDITED, "the new name")
    assert pids() == before
    postconf("postfix-in", "multi_instance_name = postfix-in", "multi_instance_group = mta")
    until(lambda: member("postfix-in")["group"] == "mta", EDITED, "both as they were")

    postfix("postfix-out", "reload")
    subprocess.run(["postmulti", "-e", "init"], check=True)   # as habit or a script does it again and again
    assert pids() == before and member("postfix-out")["health"] != "degraded"

    for command in ("stop", "abort"):
        postfix("postfix-out", command)
        until(lambda: member("postfix-out")["state"] == "stopped", DONE_TO_A_PROCESS, f"postfix {command} by hand")
        assert_stays_stopped("postfix-out")
        postfix("postfix-out", "start")
        assert wait_for_state("postfix-out", "running", within=2)["proof"]["adopted"]

    old = member("postfix-out")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart("postfix-out", old, within=2)


def test_a_file_of_reload_on_is_noticed_once_however_often_it_is_written(border):
    certificate = Path("/etc/ssl/mx1.pem")
    certificate.parent.mkdir(exist_ok=True)
    certificate.write_text("old")
    define(f"version: 1\ninstances:\n- name: postfix-in\n  reload_on: [{certificate}]\n")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    for content in ("n", "ne", "new"):
        certificate.write_text(content)
    border.syslog.wait_for(r"^postfix-in/master\[\d+\]: reload", within=10)
    until(lambda: pmctl("op", "list").out.count("reload") == 1, 10, "one operation")
    assert pmctl("op", "list").out.count("reload") == 1


def test_who_gets_the_name_that_another_one_still_runs_under_is_shown_and_waits_for_it(adopted):
    running = member("postfix-out")["pid"]
    assert pmctl("stop", "postfix-in").code == 0
    postconf("postfix-out", "multi_instance_name = postfix-x")
    until(lambda: member("postfix-out")["name"] == "postfix-x", EDITED, "the new name")
    postconf("postfix-in", "multi_instance_name = postfix-out")
    until(lambda: "/etc/postfix-in" in pids(), EDITED, "its successor")
    assert "still in use by /etc/postfix-out" in member("/etc/postfix-in")["reason"]["message"]
    assert member("postfix-out")["pid"] == running

    assert pmctl("stop", "postfix-out").code == 0
    assert pmctl("start", "-a").code == 0
    assert set(pids()) == {"-", "postfix-x", "postfix-out"}
    assert member("postfix-out")["config_directory"] == "/etc/postfix-in"
