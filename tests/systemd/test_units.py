"""A companion that is a unit: systemd runs it, postmultid starts it in its place and knows what becomes of it."""
import os
import signal
from pathlib import Path

from lab import smtp
from lab.control import get, member, pmctl, wait_for_all_running, wait_for_restart, wait_for_state
from lab.definition import FILE, ORDER
from lab.unit import active_state, run, systemctl
from lab.unit import main_pid as daemon_pid
from lab.waiting import until

FILTER = "border-filter.service"
HERE = Path(__file__).resolve().parent
FILES = {
    HERE / "files/postmultid.yaml": "/etc/postmultid/postmultid.yaml",
    HERE / f"files/{FILTER}": f"/etc/systemd/system/{FILTER}",
}
OK, REFUSED = 0, 78


def shown(name):
    return run("systemctl", "show", f"--property={name}", "--value", FILTER).out.strip()


def of_systemd(verb, *more):
    done = run("systemctl", verb, *more)
    assert done.code == 0, done.text


def drop_in(text):
    """Change the unit from now on."""
    directory = Path(f"/run/systemd/system/{FILTER}.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "test.conf").write_text(text)
    of_systemd("daemon-reload")


def kill_the_filter():
    """Kill its main process and return its pid."""
    pid = int(shown("MainPID"))
    os.kill(pid, signal.SIGKILL)
    return pid


def events(what, of="filter"):
    return [event["message"] for event in get("/v1/events?follow=no").lines
            if event["what"] == what and event["instance"] == of]


def order_of(what):
    return [event["instance"] for event in get("/v1/events?follow=no").lines if event["what"] == what]


def test_it_starts_in_its_place_and_stops_in_reverse(members, mail_hub):
    assert order_of("running") == list(ORDER)
    filter_ = member("filter")
    assert (filter_["kind"], filter_["health"], filter_["proof"]) == ("companion", "ok", None)
    assert filter_["pid"] == int(shown("MainPID")) == members["filter"]
    assert filter_["listeners"] == ["127.0.0.1:10025"]
    mail_hub.wait_for([smtp.send()], within=30)
    assert "border-filter.service" in pmctl("logs", "filter").out or "Started" in pmctl("logs", "filter").out

    assert pmctl("stop", "-a").code == OK
    assert order_of("stopped") == list(reversed(ORDER))
    assert (shown("ActiveState"), shown("Result")) == ("inactive", "success")
    assert pmctl("start", "-a").code == OK
    assert pmctl("restart", "filter").code == OK
    # The end of the daemon is the end of all members.
    assert systemctl("stop").code == 0
    assert shown("ActiveState") == "inactive"


def test_a_crash_is_seen_and_goes_through_our_policy(members):
    killed = kill_the_filter()
    wait_for_restart("filter", killed)
    assert events("died") == [f"{FILTER} was killed by SIGKILL"]
    back = member("filter")
    assert (back["last_exit"]["cause"], back["last_exit"]["signal"], back["restarts"]) == ("signal", "SIGKILL", 1)
    # What systemd says of it is added when it is found.
    until(lambda: any("code=killed" in line for failure in member("filter")["failures"] for line in failure["log"]), 20,
          "the journal's words about its end")
    assert {ident: member(ident)["pid"] for ident in ORDER if ident != "filter"} == {
        ident: members[ident] for ident in ORDER if ident != "filter"}


def test_what_systemd_starts_again_by_itself_has_not_failed_until_it_gives_up(members):
    drop_in("[Unit]\nStartLimitBurst=3\n[Service]\nRestart=always\nRestartSec=100ms\n")
    killed = kill_the_filter()
    until(lambda: member("filter")["pid"] not in (None, killed), 20, "systemd has started it again")
    assert events("died") == []
    assert member("filter")["restarts"] == 0

    drop_in("[Unit]\nStartLimitBurst=3\n[Service]\nRestart=always\nRestartSec=100ms\nExecStart=\nExecStart=/bin/false\n")
    kill_the_filter()
    until(lambda: events("died"), 30, "systemd has given up")
    assert events("died") == [f"{FILTER} exited with status 1"]
    until(lambda: events("start-failed"), 30, "postmultid has tried, too")
    assert member("postfix-in")["pid"] == members["postfix-in"]

    drop_in("")
    # What came of an attempt from before that may only be told now: systemd is silent while it reloads.
    until(lambda: pmctl("start", "filter").code == OK, 20, "the filter can be started again")


def test_who_uses_systemctl_is_respected(members):
    of_systemd("restart", FILTER)
    wait_for_restart("filter", members["filter"])
    assert events("stopped-outside") == events("died") == []

    of_systemd("stop", FILTER)
    stopped = wait_for_state("filter", "stopped")
    assert stopped["reason"]["code"] == "stopped-outside"
    assert member("postfix-in")["pid"] == members["postfix-in"]

    of_systemd("start", FILTER)
    assert wait_for_state("filter", "running")["pid"] == int(shown("MainPID"))


def test_a_unit_that_cannot_be_started_is_refused_in_words(members):
    def refused(*words):
        done = pmctl("restart", "filter")
        assert done.code == REFUSED
        for word in words:
            assert word in done.text
        assert member("filter")["pid"] == members["filter"]

    unit = Path(f"/etc/systemd/system/{FILTER}")
    good = unit.read_text()
    unit.write_text("[Service]\nUser=nobody\n")
    of_systemd("daemon-reload")
    refused(f"{FILE}:8:9", f"{FILTER} cannot be loaded")

    unit.unlink()
    of_systemd("mask", FILTER)
    refused(f"{FILTER} is masked")
    of_systemd("unmask", FILTER)
    unit.write_text(good)
    of_systemd("daemon-reload")

    FILE.write_text(FILE.read_text().replace(FILTER, "no-such-filter.service"))
    assert pmctl("daemon", "reread").code == OK
    assert member("filter")["restart_required"]
    refused("no-such-filter.service is not there")
    # What ran before is still what is stopped.
    assert pmctl("stop", "filter").code == OK
    assert shown("ActiveState") == "inactive"
    assert pmctl("start", "filter").code == REFUSED
    assert member("filter")["reason"]["hint"] == "systemctl status no-such-filter.service"


def test_the_next_daemon_adopts_it(members):
    killed = daemon_pid()
    systemctl("kill", "--kill-whom=main", "--signal=KILL")
    until(lambda: daemon_pid() not in (0, killed) and active_state() == "active", 20, "another daemon answers")
    assert {each["id"]: each["pid"] for each in wait_for_all_running()} == members
    assert events("adopted") == [f"{FILTER} was running already"]
    wait_for_restart("filter", kill_the_filter())


def test_it_survives_that_systemd_and_the_bus_are_started_again(members):
    of_systemd("daemon-reexec")
    wait_for_restart("filter", kill_the_filter())
    of_systemd("restart", "dbus.service")
    wait_for_restart("filter", kill_the_filter())
    # Also when the bus is away just when it is needed.
    of_systemd("kill", "--signal=KILL", "dbus.service")
    assert pmctl("stop", "filter").code == OK
    assert shown("ActiveState") == "inactive"
    assert pmctl("start", "filter").code == OK
    assert {ident: member(ident)["pid"] for ident in ORDER if ident != "filter"} == {
        ident: members[ident] for ident in ORDER if ident != "filter"}


def test_nobody_waits_for_a_start_that_hangs_to_stop_it(members):
    drop_in("[Service]\nType=notify\n")
    assert pmctl("restart", "--no-wait", "filter").code == OK
    until(lambda: shown("ActiveState") == "activating", 20, "it hangs in its start")
    wait_for_state("filter", "starting")
    assert pmctl("stop", "filter", within=30).code == OK
    assert (member("filter")["state"], shown("ActiveState")) == ("stopped", "inactive")


def test_one_that_is_started_and_done_is_no_companion(members):
    drop_in("[Service]\nType=oneshot\nExecStart=\nExecStart=/bin/true\n")
    assert pmctl("restart", "filter").code != OK
    assert "a companion has to stay active" in events("start-failed")[0]
