"""A host that plain Postfix and its package's units run, with mail on it: observed, taken over, booted, given back."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from lab import smtp
from lab.border import MEMBERS, REPOSITORY, Filter, start_order, stop_order
from lab.control import get, member, pmctl, status, wait_for_all_running
from lab.processes import masters
from lab.unit import UNIT, active_state, main_pid, run, shown
from lab.waiting import until

HERE = Path(__file__).resolve().parent
FILES = {HERE / "files/observe.json": "/var/lib/postmultid/management.json"}
ENABLED = ("postfix.service",)

OK, NOT_RUNNING = 0, 3
MASK = Path("/etc/systemd/system-generators/postfix-instance-generator")
INSTANCES = ("postfix@-.service", "postfix@postfix-out.service", "postfix@postfix-in.service")
THEIRS = "${command_directory}/postmulti -p --"


@pytest.fixture(autouse=True)
def surroundings(journal, mail_hub):
    """The content filter, and every master up, whoever has started it."""
    with Filter():
        wait_for_all_running()
        yield


def pids():
    return {each["id"]: each["pid"] for each in status()["members"]}


def systemctl(verb, *arguments, within=90):
    done = run("systemctl", verb, *arguments, within=within)
    assert done.code == OK, done
    return done.out.strip()


def is_active(unit):
    return run("systemctl", "is-active", unit).out.strip()


def wrapper():
    return run("postconf", "-h", "multi_instance_wrapper").out.strip()


def put_a_drop_in_beside():
    """As `systemctl edit` does it, with an ExecStop= of the administrator's."""
    directory = Path("/etc/systemd/system/postfix@.service.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "override.conf").write_text("[Service]\nExecStop=/usr/sbin/postmulti -i %i -p stop\n")
    systemctl("daemon-reload")


def take_over():
    done = pmctl("takeover", "--yes")
    assert done.code == OK, done


class Watched:
    """Who is started and who ends from now on, in order, by whomever."""

    def __init__(self, journal):
        self._journal = journal
        journal.wait_for(r"/master\[\d+\]: daemon started", 20, len(MEMBERS))
        self._started, self._stopped = len(start_order(journal)), len(stop_order(journal))

    def started(self):
        self._journal.wait_for(r"/master\[\d+\]: daemon started", 20, self._started + len(MEMBERS))
        return start_order(self._journal)[self._started:]

    def stopped(self):
        self._journal.wait_for(r"/master\[\d+\]: terminating on signal 15", 20, self._stopped + len(MEMBERS))
        return stop_order(self._journal)[self._stopped:]


def pass_a_message(mail_hub):
    mail_hub.wait_for([smtp.send()], within=60)


def test_installed_it_observes_what_the_packages_units_run(mail_hub):
    before = pids()
    assert status()["daemon"]["mode"] == "observe"
    assert shown("StatusText") == "observing, 3 of 3 running"
    assert all(member(ident)["proof"]["adopted"] for ident in MEMBERS)
    assert [is_active(unit) for unit in INSTANCES] == ["active"] * 3
    pass_a_message(mail_hub)
    systemctl("restart", UNIT)
    systemctl("stop", UNIT)
    assert {process.pid for process in masters()} == set(before.values())
    systemctl("start", UNIT)
    wait_for_all_running()
    # The package's units are as they were.
    systemctl("stop", "postfix")
    until(lambda: not masters(), 60, "the package's units stop their masters")
    systemctl("start", "postfix")
    wait_for_all_running()


def test_taken_over_systemctl_and_postfix_mean_postmultid(journal, mail_hub):
    before = pids()
    put_a_drop_in_beside()
    take_over()
    assert pids() == before
    assert (wrapper(), status()["daemon"]["problems"]) == ("/usr/bin/pmctl postfix --", [])
    until(lambda: is_active("postfix") == "active", 20, "postfix.service is active")
    pass_a_message(mail_hub)

    for command in (("systemctl", "reload", "postfix"), ("service", "postfix", "reload"), ("postfix", "reload"),
                    ("systemctl", "status", "postfix"), ("service", "postfix", "status"), ("postfix", "status")):
        done = run(*command, within=90)
        assert done.code == OK, (command, done)
    assert [operation["action"] for operation in get("/v1/operations").json].count("reload") == 3
    assert pids() == before

    # A master of ours in place of the unit's: nothing of the unit's stops it.
    assert pmctl("restart", "postfix-out").code == OK
    assert len(masters()) == len(MEMBERS)

    # What has been done before has come to the journal.
    journal.wait_for(r"^postfix-out/master\[\d+\]: daemon started", within=20, count=2)
    watched = Watched(journal)
    systemctl("stop", "postfix")
    assert masters() == []
    assert watched.stopped() == list(reversed(MEMBERS))
    assert run("systemctl", "status", "postfix").code == NOT_RUNNING
    systemctl("start", "postfix")
    wait_for_all_running()
    assert watched.started() == list(MEMBERS)
    first = pids()
    systemctl("restart", "postfix")
    wait_for_all_running()
    assert set(first.values()).isdisjoint(pids().values())

    # Who was stopped by an operator is not started by a unit.
    assert pmctl("stop", "postfix-in").code == OK
    systemctl("restart", "postfix")
    assert (member("-")["state"], member("postfix-in")["state"]) == ("running", "stopped")

    assert run("postfix", "start", within=90).code == OK
    assert run("postfix", "stop", within=90).code == OK
    assert masters() == []
    assert run("postfix", "start", within=90).code == OK
    pass_a_message(mail_hub)
    assert active_state() == "active"


def boot_again():
    """Down to what is there before services are started, and up again: generators included."""
    Path("/run/systemd/system/pause.target").write_text("[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n"
                                                        "AllowIsolate=yes\n")
    systemctl("daemon-reload")
    systemctl("isolate", "pause.target")
    until(lambda: is_active(UNIT) == "inactive" and not masters(), 60, "everything is down")
    systemctl("daemon-reload")
    systemctl("isolate", "multi-user.target")


def test_after_a_boot_each_instance_is_started_once_in_order_by_postmultid(journal, mail_hub):
    take_over()
    watched = Watched(journal)
    boot_again()
    wait_for_all_running()
    assert watched.stopped() == list(reversed(MEMBERS))
    assert watched.started() == list(MEMBERS)
    assert len(masters()) == len(MEMBERS)
    assert not any(member(ident)["proof"]["adopted"] for ident in MEMBERS)
    until(lambda: is_active("postfix") == "active", 60, "postfix.service is active")
    assert [is_active(unit) for unit in INSTANCES] == ["inactive"] * 3
    pass_a_message(mail_hub)


def test_handed_back_the_packages_units_run_it_again(journal, mail_hub):
    main_cf = Path("/etc/postfix/main.cf").read_text()
    take_over()
    assert pmctl("restart", "postfix-in").code == OK   # one of ours, two of the unit's
    before = pids()
    done = pmctl("handback", "--yes")
    assert done.code == OK, done
    assert (pids(), wrapper(), status()["daemon"]["mode"]) == (before, THEIRS, "observe")
    assert Path("/etc/postfix/main.cf").read_text() == main_cf
    assert not MASK.exists() and not list(Path("/etc/systemd/system").glob("postfix*.d"))
    assert not Path("/run/systemd/system/postfix@.service.d").exists()
    pass_a_message(mail_hub)

    assert [is_active(unit) for unit in ("postfix", *INSTANCES)] == ["active"] * 4
    systemctl("reload", "postfix")
    assert pids() == before
    systemctl("stop", "postfix")
    until(lambda: not masters(), 60, "the package's units stop their masters")
    systemctl("start", "postfix")
    wait_for_all_running()
    assert all(member(ident)["proof"]["adopted"] for ident in MEMBERS)
    boot_again()
    wait_for_all_running()
    assert [is_active(unit) for unit in INSTANCES] == ["active"] * 3


class HeldSystemctl:
    """systemctl, which keeps postmultid waiting at its `call`th call."""

    _there, _real = Path("/bin/systemctl"), Path("/bin/systemctl.real")

    def __init__(self, call):
        self._asked = Path("/run/systemctl-asked")
        os.mkfifo(self._asked)
        count = Path("/run/systemctl-count")
        count.write_text("")
        self._there.rename(self._real)
        self._there.write_text(
            '#!/bin/sh\nif read -r name </proc/$PPID/comm && [ "$name" = postmultid ]; then\n'
            f'echo >>{count}; if [ "$(wc -l <{count})" = {call} ]; then echo >{self._asked}; exec sleep 1000; fi\n'
            f'fi\nexec {self._real} "$@"\n')
        self._there.chmod(0o755)

    def wait_until_asked(self):
        self._asked.read_text()

    def release(self):
        self._real.rename(self._there)
        self._asked.unlink()


@pytest.mark.time_limit(300)
@pytest.mark.parametrize("verb, calls", [("takeover", 4), ("handback", 5)])
def test_killed_at_any_step_the_next_call_goes_on_and_no_master_notices(verb, calls):
    before = pids()
    if verb == "handback":
        take_over()
    for call in range(1, calls + 1):
        hold = HeldSystemctl(call)
        killed = main_pid()
        with subprocess.Popen(["/usr/bin/pmctl", verb, "--yes"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as asking:
            hold.wait_until_asked()
            asking.kill()   # it would ask the next daemon to go on
            os.kill(killed, signal.SIGKILL)
            asking.wait()
        hold.release()
        until(lambda: main_pid() not in (0, killed) and active_state() == "active", 20, "another daemon answers")
        wait_for_all_running()
        assert (status()["daemon"]["mode"], pids()) == ("manage", before)
        assert any("cut short" in problem for problem in status()["daemon"]["problems"])
    done = pmctl(verb, "--yes")
    assert done.code == OK, done
    assert status()["daemon"]["problems"] == []
    assert status()["daemon"]["mode"] == ("manage" if verb == "takeover" else "observe")
    assert (MASK.is_symlink(), wrapper() == THEIRS) == (verb == "takeover", verb == "handback")
    assert pids() == before


@pytest.mark.time_limit(300)
def test_a_reinstalled_package_stops_and_starts_by_us_and_nothing_runs_old_programs(mail_hub):
    packages = sorted((REPOSITORY / "build/apt-archives").glob("postfix_*.deb"))
    if not packages:
        pytest.skip("Postfix was not installed from a package that was kept")
    take_over()
    before = pids()
    Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    sender = smtp.Sender(30).start()
    done = run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", "--force-unsafe-io", packages[-1], within=200)
    assert done.code == OK, done
    wait_for_all_running()
    assert set(before.values()).isdisjoint(pids().values())
    assert len(masters()) == len(MEMBERS)
    assert not any(os.readlink(f"/proc/{pid}/exe").endswith("(deleted)") for pid in pids().values())
    accepted = sender.join()
    pass_a_message(mail_hub)
    mail_hub.wait_for(accepted, within=120)
    assert MASK.is_symlink() and status()["daemon"]["mode"] == "manage"
