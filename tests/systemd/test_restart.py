"""The daemon comes and goes, as an administrator or a crash will have it, and mail and clients notice nothing."""
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from lab import smtp
from lab.border import MEMBERS, stop_order
from lab.control import pmctl, status, wait_for_all_running
from lab.processes import masters, open_files, postfix_processes, processes, resident_kib
from lab.unit import UNIT, active_state, main_pid, run, shown, systemctl
from lab.waiting import until

ROUNDS = 1000 if "POSTMULTID_LONG" in os.environ else 20
MESSAGES = 5000 if "POSTMULTID_LONG" in os.environ else 500
DAEMON = Path("/usr/sbin/postmultid")


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


class Poller:
    """A client that asks again and again, and must be answered each time."""

    def __init__(self):
        self._end = threading.Event()
        self.asked, self.failed = 0, []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _run(self):
        while not self._end.is_set():
            answer = pmctl("status")
            self.asked += 1
            if answer.code != 0:
                self.failed.append(answer)


def drop_in(text):
    directory = Path(f"/run/systemd/system/{UNIT}.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "test.conf").write_text(f"[Service]\n{text}\n")
    run("systemctl", "daemon-reload")


def members_get(stop_timeout):
    directory = Path("/etc/postmultid/conf.d")
    directory.mkdir(exist_ok=True)
    text = f"version: 1\ndefaults:\n  supervise:\n    stop_timeout: {stop_timeout}\n"
    (directory / "patience.yaml").write_text(text)
    assert systemctl("reload").text == ""


def wait_for_another_daemon(than):
    until(lambda: main_pid() not in (0, than) and active_state() == "active", within=30,
          what=f"active with another daemon than {than}")


def restarted():
    assert systemctl("restart").text == ""


def killed():
    before = main_pid()
    systemctl("kill", "--kill-whom=main", "--signal=KILL")
    wait_for_another_daemon(before)


def reexecuted():
    assert run("systemctl", "daemon-reexec").code == 0
    assert active_state() == "active"


def replaced():
    shutil.copy(DAEMON, f"{DAEMON}.new")
    os.replace(f"{DAEMON}.new", DAEMON)
    restarted()


@pytest.mark.time_limit(300 if MESSAGES < 1000 else 1200)
def test_mail_and_clients_notice_nothing_of_the_daemons_coming_and_going(members, mail_hub):
    with Poller() as poller:
        sender = smtp.Sender(MESSAGES, threads=4, within=900).start()
        disturbed = 0
        for disturb in (restarted, killed, reexecuted, replaced):
            session = smtp.HeldSession()
            daemon = main_pid()
            disturb()
            assert pids() == members
            assert (main_pid() == daemon) == (disturb is reexecuted)
            assert session.finish()[0] == 250
            disturbed += 1
        while not sender.finished:
            restarted()
            disturbed += 1
        accepted = sender.join()
    assert pids() == members
    assert poller.failed == []
    assert sender.refused == 0
    assert len(accepted) == MESSAGES
    mail_hub.wait_for(accepted, within=120)
    print(f"{disturbed} times disturbed, {poller.asked} times asked, {MESSAGES} messages")


def test_a_stop_may_take_longer_than_systemd_has_patience(members, journal):
    drop_in("TimeoutStopSec=2s")
    members_get("8s")
    os.kill(members["postfix-out"], signal.SIGSTOP)   # it heeds no SIGTERM
    assert systemctl("stop").code == 0
    assert (active_state(), shown("Result")) == ("inactive", "success")
    assert postfix_processes() == []
    journal.wait_for(r"postfix/master\[\d+\]: terminating on signal 15", within=5)
    assert [ident for ident in stop_order(journal) if ident != "postfix-out"] == ["postfix-in", "-"]


def test_a_stop_that_was_cut_off_is_finished(members):
    drop_in("TimeoutStopSec=2s")
    members_get("4s")
    os.kill(members["postfix-in"], signal.SIGSTOP)
    stop = subprocess.Popen(["systemctl", "stop", UNIT])
    until(lambda: status()["daemon"]["state"] == "stopping", 10, "it has begun to stop")
    os.kill(main_pid(), signal.SIGKILL)
    stop.wait(90)
    assert postfix_processes() == []
    assert active_state() in ("inactive", "failed")


def test_a_stop_that_comes_while_the_daemon_detaches_is_done(members):
    run("systemctl", "--no-block", "restart", UNIT)
    assert systemctl("stop").text == ""
    assert active_state() == "inactive"
    assert postfix_processes() == []


def test_a_loop_that_stands_still_is_noticed_and_replaced(members):
    drop_in("WatchdogSec=2s\nTimeoutAbortSec=1s")
    restarted()   # the limit is told at the start
    stalled = main_pid()
    os.kill(stalled, signal.SIGSTOP)
    wait_for_another_daemon(stalled)
    assert pids() == members
    assert sorted(process.pid for process in masters()) == sorted(members[ident] for ident in MEMBERS)


def test_ready_is_said_when_what_runs_is_adopted(members):
    """Whoever is ordered after the unit finds no member of which nothing is known."""
    restarted()
    assert {member["state"] for member in status()["members"]} == {"running"}
    wait_for_all_running()
    assert shown("NRestarts") == "0"
    assert "of 4 running" in shown("StatusText")


def test_members_of_the_group_may_ask_how_it_is():
    run("useradd", "--groups", "postmultid", "monitor")
    asked = run("setpriv", "--reuid=monitor", "--regid=monitor", "--init-groups", "curl", "-s", "--unix-socket",
                "/run/postmultid/control.sock", "http://localhost/v1/health")
    assert '"ok":true' in asked.out, asked


@pytest.mark.time_limit(200 if ROUNDS < 100 else 3600)
def test_many_daemons_one_after_the_other_leave_nothing_behind(members):
    def costs():
        """What grows if something is left: this system's processes, and of the daemon its descriptors and memory in KiB."""
        return len(processes()), open_files(main_pid()), resident_kib(main_pid())

    def settled():
        return active_state() == "active" and pids() == members

    for _ in range(2):   # whatever is allocated once
        restarted()
    until(settled, 30, "the same masters")
    before = costs()
    with Poller() as poller:
        for number in range(ROUNDS):
            (killed if number % 2 else restarted)()
    until(settled, 30, "the same masters")
    after = costs()
    assert poller.failed == []
    assert not [process for process in processes() if process.state == "Z"]
    until(lambda: len(processes()) <= before[0] and open_files(main_pid()) <= before[1] + 2, 30, f"{before}, {costs()}")
    assert resident_kib(main_pid()) < before[2] * 1.2
    print(f"{ROUNDS} daemons, {poller.asked} answers; processes, descriptors, KiB: {before}, then {after}")


def test_the_hosts_shutdown_is_the_same_ordered_stop(members, journal):
    """All that poweroff.target stops, without the end of the system: this test is to see what comes of it."""
    units = Path("/run/systemd/system")
    (units / "command.service.d").mkdir()
    (units / "command.service.d/stay.conf").write_text("[Unit]\nDefaultDependencies=no\n")
    (units / "shutdown-only.target").write_text("[Unit]\nDefaultDependencies=no\nRequires=shutdown.target\n"
                                                "After=shutdown.target\n")
    run("systemctl", "daemon-reload")
    down = run("systemctl", "start", "shutdown-only.target", within=90)
    assert down.code == 0, down
    assert (active_state(), shown("Result")) == ("inactive", "success")
    assert postfix_processes() == []
    journal.wait_for(r"/master\[\d+\]: terminating on signal 15", within=5, count=len(MEMBERS))
    assert stop_order(journal) == list(reversed(MEMBERS))
    # It was us who stopped them: nobody's stop was seen from outside.
    assert not journal.find(r"postmultid\[\d+\]: .*(stopped-outside|died)")
    # As it was: a system in which shutdown.target is reached cannot be told to end.
    run("systemctl", "isolate", "multi-user.target", within=90)
    assert active_state() == "active"
