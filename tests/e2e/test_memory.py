"""What one daemon leaves to the next, in /run/postmultid/state.json: wishes, histories, operations."""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from lab.control import Postmultid, get, member, pmctl, post, status, wait_for_all_running, wait_for_state
from lab.processes import masters
from lab.waiting import until

STATE = Path("/run/postmultid/state.json")


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def another_after_crash_of(daemon):
    daemon.kill()
    return Postmultid().start()


def wait_until_written(true):
    """What changes is written down a moment later."""
    until(lambda: STATE.exists() and true(json.loads(STATE.read_text())), 10, "it is written down")


def begin(action, ident):
    answer = post("/v1/operations", {"action": action, "select": {"names": [ident]}})
    assert answer.status == 202, answer
    return answer.json["id"]


def operation(ident):
    return get(f"/v1/operations/{ident}").json


def test_a_wish_outlives_the_daemon_that_was_asked_and_not_the_boot(adopted):
    assert pmctl("stop", "postfix-in").code == 0
    before = pids()
    daemon = another_after_crash_of(adopted)
    wait_for_state("postfix-out", "running")
    assert wait_for_state("postfix-in", "stopped")["desired"] == "down"
    assert pids() == before

    # Whoever stops all by stopping the daemon has said nothing about anybody.
    assert daemon.stop() == 0
    daemon = Postmultid().start()
    wait_for_state("postfix-out", "running")
    assert wait_for_state("postfix-in", "stopped")["desired"] == "down"

    daemon.kill()
    left = json.loads(STATE.read_text())
    left["boot_id"] = "00000000-0000-0000-0000-000000000000"
    STATE.write_text(json.dumps(left))
    Postmultid().start()
    wait_for_all_running()


def test_a_stop_that_was_promised_is_carried_out_by_the_next_daemon(adopted):
    master = member("postfix-in")["pid"]
    os.kill(master, signal.SIGSTOP)   # it will not end before it gets SIGKILL
    promised = begin("stop", "postfix-in")
    wait_for_state("postfix-in", "stopping")
    another_after_crash_of(adopted)
    wait_for_state("postfix-in", "stopped")
    assert master not in [process.pid for process in masters()]
    done = until(lambda: operation(promised)["state"] == "finished" and operation(promised), 10, "it is concluded")
    assert (done["result"], done["members"][0]["result"]) == ("succeeded", "done")
    assert begin("start", "postfix-in") != promised


def test_what_nobody_can_go_on_with_is_told_as_failed(adopted):
    os.kill(member("postfix-in")["pid"], signal.SIGSTOP)
    reload = begin("reload", "postfix-in")   # it is never seen to have read its files
    another_after_crash_of(adopted)
    done = operation(reload)
    assert (done["state"], done["result"]) == ("finished", "failed")
    assert done["members"][0]["message"] == "postmultid was started anew before it was done"


def test_a_master_that_dies_while_no_daemon_looks_is_started_again(adopted):
    before = pids()
    wait_until_written(lambda left: left["members"].get("postfix-out", {}).get("master") == before["postfix-out"])
    adopted.kill()
    os.kill(before["postfix-out"], signal.SIGKILL)
    Postmultid().start()
    wait_for_all_running()
    assert pids()["postfix-out"] != before["postfix-out"]
    assert (pids()["-"], pids()["postfix-in"]) == (before["-"], before["postfix-in"])
    assert "ended while no postmultid ran" in pmctl("events", "postfix-out").out


def test_who_is_stopped_by_postfix_stop_while_no_daemon_looks_stays_stopped(adopted):
    before = pids()
    Path("/var/log/mail.log").symlink_to("/tmp/syslog")   # its word is all that tells a stop from a crash
    wait_until_written(lambda left: left["members"].get("postfix-out", {}).get("master") == before["postfix-out"])
    adopted.kill()
    subprocess.run(["postfix", "-c", "/etc/postfix-out", "stop"], check=True, capture_output=True, timeout=60)
    Postmultid().start()
    shown = wait_for_state("postfix-out", "stopped")
    assert shown["desired"] == "down"
    until(lambda: pids() == before | {"postfix-out": None}, 20, "the others are as they were")
    assert "while no postmultid ran" in pmctl("events", "postfix-out").out


def test_history_goes_on(adopted):
    assert pmctl("restart", "postfix-out").code == 0
    events = get("/v1/events?follow=no").lines
    wait_until_written(lambda left: left["events"] == events)
    another_after_crash_of(adopted)
    wait_for_all_running()
    later = get("/v1/events?follow=no").lines
    assert later[:len(events)] == events
    assert later[-1]["number"] > events[-1]["number"]
    assert "restart" in pmctl("op", "list").out


def test_a_directory_that_cannot_be_written_costs_the_memory_and_nothing_else(adopted):
    run = STATE.parent
    subprocess.run(["mount", "--bind", run, run], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)
    assert pmctl("stop", "postfix-in").code == 0
    until(lambda: status()["daemon"]["problems"], 10, "that nothing is remembered is shown")
    assert "Read-only file system" in pmctl("status").out
    assert pmctl("start", "postfix-in").code == 0
    subprocess.run(["umount", run], check=True)
    until(lambda: not status()["daemon"]["problems"], 30, "and that it is again")
    assert json.loads(STATE.read_text())["members"]["postfix-in"]["desired"] == "up"


def test_what_a_daemon_does_not_understand_costs_no_master(adopted):
    before = pids()
    for text in ('{"version": 99, "members": "of a future"}\n', "", '{"version": 1, "boot_id"', "\0\xff"):
        adopted.kill()
        STATE.write_text(text, encoding="latin-1")
        adopted = Postmultid().start()
        wait_for_all_running()
        assert pids() == before
        assert f"{STATE} is left aside" in adopted.log.read_text()


def test_somebody_elses_memory_is_not_believed_and_that_is_said(adopted):
    assert pmctl("stop", "postfix-out").code == 0
    wait_until_written(lambda state: state["members"]["postfix-out"]["desired"] == "down")
    forged = STATE.read_text()
    assert pmctl("start", "postfix-out").code == 0
    before = pids()
    adopted.kill()
    Path("/tmp/state.json").write_text(forged)
    shutil.chown("/tmp/state.json", "nobody")
    elsewhere = ("-s", "/tmp/pm.sock")
    with subprocess.Popen([adopted.program, "--socket", "/tmp/pm.sock"]) as daemon:
        until(lambda: pmctl(*elsewhere, "wait", "--timeout", "20s", "-a").code == 0, 30, "all run")
        shown = json.loads(pmctl(*elsewhere, "status", "-o", "json").out)
        assert {each["id"]: each["pid"] for each in shown["members"]} == before
        until(lambda: "/tmp may be written by others" in pmctl(*elsewhere, "status").out, 10, "it is said")
        assert Path("/tmp/state.json").read_text() == forged
        daemon.kill()


def test_a_state_directory_that_cannot_be_written_is_told_in_the_status(adopted):
    adopted.kill()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", "/var/lib/postmultid"], check=True)
    Postmultid().start()
    wait_for_all_running()
    told = until(lambda: status()["daemon"]["problems"] if len(status()["daemon"]["problems"]) == 2 else None, 20, "told")
    assert "a queue that is not mounted" in told[0] and "Read-only" in told[0]
    assert "its last good configuration is not kept" in told[1]
