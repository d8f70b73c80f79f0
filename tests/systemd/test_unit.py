"""What postmultid.service promises an administrator, under a real systemd."""
import os
import subprocess
from pathlib import Path

from lab import smtp
from lab.border import MEMBERS, start_order, stop_order
from lab.control import get, pmctl, wait_for_all_running
from lab.definition import FILE, ORDER
from lab.processes import listening_ports, masters, postfix_processes
from lab.unit import UNIT, active_state, main_pid, run, shown, systemctl
from lab.waiting import until


def pids():
    """The pids by member, once all of them run."""
    return {member["id"]: member["pid"] for member in wait_for_all_running()}


def test_a_booted_host_has_all_members_up_in_order_and_passes_mail(journal, mail_hub):
    assert active_state() == "active"
    wait_for_all_running()
    journal.wait_for(r"/master\[\d+\]: daemon started", within=5, count=len(MEMBERS))
    assert start_order(journal) == list(MEMBERS)
    assert [event["instance"] for event in get("/v1/events?follow=no").lines if event["what"] == "running"] == list(ORDER)
    mail_hub.wait_for([smtp.send()], within=30)
    assert journal.find(r"^postmultid\[\d+\]: ")


def test_the_unit_is_active_only_when_the_daemon_answers():
    systemctl("stop")
    hold = HeldPostconf()
    starting = subprocess.Popen(["systemctl", "start", UNIT])
    hold.wait_until_asked()
    assert active_state() == "activating"
    hold.release()
    assert starting.wait(30) == 0
    # At once, without waiting: that is what the units that are ordered after it rely on.
    assert get("/v1/health").status == 200
    assert active_state() == "active"


class HeldPostconf:
    """A postconf before Debian's on PATH that waits to be released; postmultid cannot become ready without its answer."""

    def __init__(self):
        self._asked, self._go = Path("/run/postconf-asked"), Path("/run/postconf-go")
        for pipe in (self._asked, self._go):
            os.mkfifo(pipe)
        postconf = Path("/usr/local/sbin/postconf")
        postconf.write_text(f"#!/bin/sh\n[ ! -p {self._asked} ] || {{ echo >{self._asked}; read -r _ <{self._go}; }}\n"
                            'exec /usr/sbin/postconf "$@"\n')
        postconf.chmod(0o755)

    def wait_until_asked(self):
        self._asked.read_text()
        self._asked.unlink()   # later ones are not held

    def release(self):
        self._go.write_text("\n")


def test_stop_ends_all_masters_in_reverse_order_and_leaves_nothing_of_postfix(members, journal):
    assert systemctl("stop").code == 0
    journal.wait_for(r"/master\[\d+\]: terminating on signal 15", within=5, count=len(MEMBERS))
    assert stop_order(journal) == list(reversed(MEMBERS))
    assert postfix_processes() == []
    assert {25, 10025, 10026}.isdisjoint(listening_ports())
    assert (active_state(), shown("Result"), shown("ExecMainStatus")) == ("inactive", "success", "0")


def test_however_often_the_daemon_is_killed_another_is_started_and_adopts_the_masters(members, mail_hub):
    for _ in range(7):   # by default systemd gives up after the fifth
        killed = main_pid()
        systemctl("kill", "--signal=KILL")
        wait_for_another_daemon(than=killed)
    assert pids() == members
    assert sorted(process.pid for process in masters()) == sorted(members[ident] for ident in MEMBERS)
    mail_hub.wait_for([smtp.send()], within=30)

    # Adopted masters are no less the unit's.
    assert pmctl("restart", "postfix-out").code == 0
    assert systemctl("stop").code == 0
    assert postfix_processes() == []


def wait_for_another_daemon(than):
    until(lambda: main_pid() not in (0, than) and active_state() == "active", within=20,
          what=f"active with another daemon than {than}")


def test_systemd_finds_nothing_to_complain_about_in_the_unit():
    found = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", UNIT)
    assert (found.text, found.code) == ("", 0)


def test_reload_reads_everything_again_or_fails_and_changes_nothing(members, mail_hub):
    good = FILE.read_text()
    FILE.write_text("members: [\n")
    daemon = main_pid()
    assert systemctl("reload").code != 0
    assert (active_state(), main_pid(), pids()) == ("active", daemon, members)
    mail_hub.wait_for([smtp.send()], within=30)

    FILE.write_text(good)
    assert systemctl("reload").text == ""
    assert (active_state(), main_pid(), pids()) == ("active", daemon, members)
