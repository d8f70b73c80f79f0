"""Postfix's package is replaced under running instances: dpkg does it, not a copy made by hand."""
import subprocess
from pathlib import Path

from lab import smtp
from lab.border import REPOSITORY, retry_now, start_masters
from lab.control import Postmultid, member, pmctl, status, wait_for_all_running
from lab.definition import define
from lab.processes import postfix_processes
from lab.waiting import until

ARCHIVES = REPOSITORY / "build/apt-archives"


def reinstall():
    """As apt-get does it. Whether a package may stop and start services is asked of policy-rc.d, which says no here."""
    packages = sorted(ARCHIVES.glob("postfix_*.deb"))
    assert packages, "the private host's own Postfix was installed from here"
    subprocess.run(["dpkg", "--force-unsafe-io", "-i", packages[-1]], check=True, capture_output=True, stdin=subprocess.DEVNULL,
                   env={"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def programs_replaced():
    return [process for process in postfix_processes() if _exe(process.pid).endswith(" (deleted)")]


def _exe(pid):
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except FileNotFoundError:
        return ""


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def test_a_reinstall_under_load_ends_with_new_programs_everywhere_and_loses_nothing(daemon, border):
    before = pids()
    sender = smtp.Sender(60, threads=2).start()
    reinstall()
    until(lambda: all(pids()[ident] not in (None, pid) for ident, pid in before.items()), 60, "each has a new master")
    accepted = sender.join()
    wait_for_all_running()
    until(lambda: not programs_replaced(), 30, "nothing of the old package runs any more")
    [operation] = [line for line in pmctl("op", "list").out.splitlines() if "restart" in line]
    assert "succeeded" in operation
    assert border.start_order()[-3:] == ["-", "postfix-out", "postfix-in"]
    border.sink.wait_for(accepted, within=90, nudge=retry_now)


def test_with_flag_it_is_only_said(border):
    define("version: 1\ndefaults:\n  supervise:\n    on_upgrade: flag\n")
    start_masters()
    Postmultid().start()
    wait_for_all_running()
    before = pids()
    reinstall()
    until(lambda: all(shown["restart_required"] for shown in status()["members"]), 30, "it is shown of each")
    assert pids() == before
    assert "needs a restart: pmctl restart postfix-in" in pmctl("status").out
    assert pmctl("restart", "-a").code == 0
    assert not any(shown["restart_required"] for shown in status()["members"])


def test_what_was_replaced_while_no_daemon_looked_is_found(border):
    start_masters()
    reinstall()
    Postmultid().start()
    wait_for_all_running()
    until(lambda: not programs_replaced(), 60, "nothing of the old package runs any more")
    assert member("-")["restart_required"] is False
