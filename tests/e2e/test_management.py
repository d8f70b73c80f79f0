"""Coming to a host whose mail runs, taking it over, giving it back; and postfix(1), which reaches us meanwhile.

Here without systemd: the units' part is in tests/systemd/test_management.py."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab.border import MEMBERS, start_masters
from lab.control import PMCTL, Postmultid, get, member, pmctl, post, status, wait_for_all_running, wait_for_state
from lab.processes import masters
from lab.waiting import until, until_exit

OK, FAILED, USAGE, REFUSED, UNREACHABLE = 0, 1, 2, 78, 69
OURS = f"{PMCTL} postfix --"
THEIRS = "${command_directory}/postmulti -p --"
RECORD = Path("/var/lib/postmultid/management.json")
MAIN_CF = Path("/etc/postfix/main.cf")
# No tool of Postfix reads a main.cf before it is two seconds old.
EDITED = 10


def service(*more):
    """The daemon as postmultid.service starts it."""
    return Postmultid("--observe-until-takeover", "--pmctl", PMCTL, *more).start()


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def wrapper():
    return subprocess.run(["postconf", "-h", "multi_instance_wrapper"], check=True, capture_output=True,
                          text=True).stdout.strip()


def postfix(*command, within=90):
    done = subprocess.run(["postfix", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=within, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def observed(border):
    start_masters()
    running = service()
    wait_for_all_running()
    yield running
    print(running.log.read_text())


@pytest.fixture
def taken_over(observed):
    done = pmctl("takeover", "--yes")
    assert done.code == OK, done
    return observed


def test_a_service_only_observes_until_it_is_told_to_take_over(observed):
    assert status()["daemon"]["mode"] == "observe"
    assert "pmctl takeover" in pmctl("status").out
    before = pids()
    for verb in ("start", "stop", "restart", "reload", "flush", "drain", "abort", "enable", "disable"):
        refused = pmctl(verb, "postfix-out")
        assert refused.code == REFUSED and "pmctl takeover" in refused.text, refused
    refused = pmctl("create", "postfix-x")
    assert refused.code == FAILED and "pmctl takeover" in refused.text, refused
    killed = before["postfix-out"]
    os.kill(killed, signal.SIGKILL)
    wait_for_state("postfix-out", "failed")
    # Its end is not the end of what it only looked at.
    assert observed.stop() == 0
    assert {process.pid for process in masters()} == set(before.values()) - {killed}


def test_taken_over_and_handed_back_with_every_master_as_it_was(observed):
    before, main_cf = pids(), MAIN_CF.read_text()
    plan = pmctl("takeover", "--dry-run")
    assert plan.code == OK and OURS in plan.out and THEIRS in plan.out
    assert (status()["daemon"]["mode"], MAIN_CF.read_text(), RECORD.exists()) == ("observe", main_cf, False)
    assert pmctl("takeover").code == USAGE   # nobody is there to ask

    assert pmctl("takeover", "--yes").code == OK
    assert status()["daemon"]["mode"] == "manage"
    assert (pids(), wrapper()) == (before, OURS)
    assert pmctl("takeover", "--yes").code == OK   # again: nothing to do
    assert json.loads(RECORD.read_text())["wrapper"]["before"] == THEIRS
    assert pmctl("reload", "postfix-out").code == OK

    # It is so for the next daemon, too.
    observed.kill()
    service()
    wait_for_all_running()
    assert (status()["daemon"]["mode"], status()["daemon"]["problems"], pids()) == ("manage", [], before)

    assert pmctl("handback", "--dry-run").code == OK
    assert wrapper() == OURS
    assert pmctl("handback", "--yes").code == OK
    assert (status()["daemon"]["mode"], pids()) == ("observe", before)
    assert (MAIN_CF.read_text(), RECORD.exists()) == (main_cf, False)
    assert pmctl("stop", "-a").code == REFUSED
    assert postfix("status")[0] == OK and postfix("stop")[0] == OK
    assert masters() == []


def test_a_takeover_starts_what_is_enabled_and_down(border):
    service()
    wait_for_state("postfix-in", "stopped")
    assert masters() == []
    assert pmctl("takeover", "--yes").code == OK
    wait_for_all_running()
    assert border.start_order() == list(MEMBERS)


class HeldPostconf:
    """A postconf before Debian's on PATH that waits, when main.cf is to be edited, as long as somebody holds it."""

    def __init__(self, monkeypatch):
        monkeypatch.setenv("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        self._asked = Path("/tmp/postconf-asked")
        os.mkfifo(self._asked)
        self._put("#!/bin/sh\n"
                  f'case $1 in -e | -X) echo >{self._asked}; exec sleep 1000 ;; esac\n'
                  'exec /usr/sbin/postconf "$@"\n')

    def _put(self, text):
        """In one step: the daemon may be about to execute it."""
        new = Path("/usr/local/sbin/postconf.new")
        new.write_text(text)
        new.chmod(0o755)
        new.rename("/usr/local/sbin/postconf")

    def wait_until_asked(self):
        self._asked.read_text()

    def release(self):
        self._put('#!/bin/sh\nexec /usr/sbin/postconf "$@"\n')


@pytest.mark.parametrize("then", ["takeover", "handback"])
def test_a_takeover_or_handback_that_is_cut_short_is_gone_on_with_or_undone(border, monkeypatch, then):
    start_masters()
    hold = HeldPostconf(monkeypatch)
    running = service()
    wait_for_all_running()
    before, main_cf = pids(), MAIN_CF.read_text()
    for verb in ("takeover", "handback"):
        with subprocess.Popen([PMCTL, verb, "--yes"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
            hold.wait_until_asked()
            running.kill()
            asking.wait()
        # Managed meanwhile, so that there is mail whatever happens to the host.
        running = service()
        wait_for_all_running()
        assert status()["daemon"]["mode"] == "manage"
        assert any("cut short" in problem for problem in status()["daemon"]["problems"])
        assert "cut short" in pmctl("status").out
        assert (pids(), MAIN_CF.read_text() == main_cf) == (before, verb == "takeover")
        hold.release()
        assert pmctl(then if verb == "handback" else "takeover", "--yes").code == OK
        assert status()["daemon"]["problems"] == []
        if verb == "takeover":
            os.unlink("/tmp/postconf-asked")
            hold = HeldPostconf(monkeypatch)
    assert wrapper() == (OURS if then == "takeover" else THEIRS)
    assert pids() == before


def test_a_wrapper_that_somebody_takes_away_is_told_and_can_be_put_back(taken_over):
    assert pmctl("wrapper", "status").code == OK
    subprocess.run(["postmulti", "-e", "init"], check=True, timeout=60)   # as habit has it
    until(lambda: pmctl("wrapper", "status").code == FAILED, EDITED, "the change is noticed")
    told = pmctl("status").out
    assert "pmctl wrapper install" in told and "not postmultid's any more" in told
    assert any(event["what"] == "not-in-charge" for event in get("/v1/events?follow=no").lines)
    assert pmctl("wrapper", "install").code == OK
    assert wrapper() == OURS
    assert "not postmultid's" not in pmctl("status").out
    assert pmctl("wrapper", "remove").code == OK
    assert wrapper() == THEIRS


def test_a_wrapper_of_somebody_elses_comes_back_with_the_handback_and_one_that_came_later_is_left(taken_over):
    assert pmctl("handback", "--yes").code == OK
    theirs = "/usr/lib/postfix/sbin/postfix-wrapper"
    for command in (["-e", f"multi_instance_wrapper = {theirs}"], ["-X", "multi_instance_wrapper"]):
        subprocess.run(["postconf", *command], check=True)
        main_cf = MAIN_CF.read_text()
        for verb in ("takeover", "handback"):
            assert pmctl(verb, "--yes").code == OK
        assert MAIN_CF.read_text() == main_cf
    assert pmctl("takeover", "--yes").code == OK
    subprocess.run(["postconf", "-e", f"multi_instance_wrapper = {theirs}"], check=True)
    assert pmctl("handback", "--yes").code == OK
    assert wrapper() == theirs


def test_a_record_that_is_not_understood_means_that_there_was_a_takeover(taken_over):
    before = pids()
    taken_over.kill()
    for text in ("{", json.dumps({"version": 99})):
        RECORD.write_text(text)
        running = service()
        wait_for_all_running()
        assert (status()["daemon"]["mode"], pids()) == ("manage", before)
        assert any(str(RECORD) in problem for problem in status()["daemon"]["problems"])
        running.kill()
    service()
    assert pmctl("handback", "--yes").code == OK
    assert (wrapper(), RECORD.exists()) == (THEIRS, False)


def test_without_pmctl_there_is_no_takeover(border):
    start_masters()
    Postmultid("--observe-until-takeover", "--pmctl", "/nonexistent/pmctl").start()
    wait_for_all_running()
    refused = pmctl("takeover", "--yes")
    assert refused.code == FAILED and "/nonexistent/pmctl" in refused.text
    assert (status()["daemon"]["mode"], wrapper(), RECORD.exists()) == ("observe", THEIRS, False)
    for body in (b"[]", {"dry_run": "yes"}, {"force": True}):
        assert post("/v1/daemon/takeover", body).status == 400
    assert post("/v1/daemon/wrapper/turn", {}).status == 400


# ---------------------------------------------------------------------------------------------------- postfix(1)

def test_postfixs_own_commands_reach_us_and_mean_what_they_say(taken_over, border):
    before = pids()
    code, said = postfix("status")
    assert code == OK
    for ident in MEMBERS:
        assert f"{ident}: the Postfix mail system is running: PID: {before[ident]}" in said
    assert postfix("reload")[0] == OK
    assert postfix("flush")[0] == OK
    assert postfix("check")[0] == OK
    assert pids() == before
    operations = [operation["action"] for operation in get("/v1/operations").json]
    assert operations == ["reload", "flush", "check"]

    assert postfix("stop")[0] == OK
    assert masters() == []
    assert border.stop_order() == list(reversed(MEMBERS))
    assert {shown["desired"] for shown in status()["members"]} == {"down"}
    assert postfix("status")[0] == FAILED
    assert postfix("start")[0] == OK
    assert border.start_order()[-3:] == list(MEMBERS)
    for ending in ("abort", "drain"):
        assert postfix(ending)[0] == OK
        assert masters() == []
        assert postfix("start")[0] == OK


def test_what_a_bad_file_would_cost_is_refused_by_postfix_reload_as_well(taken_over):
    before = pids()
    with open("/etc/postfix-in/main.cf", "a", encoding="ascii") as main_cf:
        main_cf.write("max_idle = 5q\n")
    code, said = postfix("reload")
    assert code != OK and "max_idle" in said
    assert pids() == before


def test_what_is_no_business_of_ours_goes_on_to_postfix_with_every_argument_as_it_was(taken_over, border):
    # As the package's scripts do it.
    for command in (("set-permissions",), ("upgrade-configuration",), ("/bin/sh", "-c", "echo \"$MAIL_CONFIG: a  b\"")):
        code, said = postfix(*command)
        assert code == OK, (command, said)
    assert "/etc/postfix: a  b" in said and "/etc/postfix-in: a  b" in said
    assert postfix("no-such-command")[0] != OK
    border.syslog.wait_for(r"^postfix-in/postfix-script\[\d+\]: fatal: unknown command: 'no-such-command'", within=10)
    assert len(masters()) == len(MEMBERS)


def test_without_a_daemon_postfix_does_by_itself_what_it_always_did(taken_over):
    before = pids()
    taken_over.kill()
    begun = time.monotonic()
    assert postfix("status")[0] == OK
    assert time.monotonic() - begun < 5
    assert postfix("reload")[0] == OK
    assert {process.pid for process in masters()} == set(before.values())
    assert postfix("stop")[0] == OK
    assert masters() == []
    assert postfix("start")[0] == OK
    assert len(masters()) == len(MEMBERS)
    assert pmctl("status").code == UNREACHABLE


def test_a_daemon_that_hangs_is_waited_for_no_longer_than_five_seconds(taken_over):
    os.kill(taken_over.pid, signal.SIGSTOP)
    begun = time.monotonic()
    code, said = postfix("status", within=30)
    assert time.monotonic() - begun < 5 + 2   # and what postmulti takes
    assert code == OK and "does not answer" in said
    os.kill(taken_over.pid, signal.SIGCONT)


def test_while_only_observing_the_wrapper_does_what_postfix_did(observed):
    assert pmctl("wrapper", "install").code == OK
    before = pids()
    assert postfix("stop")[0] == OK
    for pid in before.values():
        until_exit(pid, within=10)
    wait_for_state("postfix-out", "stopped")
    assert postfix("start")[0] == OK
    wait_for_all_running()
    assert member("postfix-out")["proof"]["adopted"]
