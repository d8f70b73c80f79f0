"""The same with Debian 13's units: postfix.service is the primary, an instance has a unit if somebody has enabled it."""
from pathlib import Path

import pytest

from lab.border import MEMBERS, Filter
from lab.control import member, pmctl, status, wait_for_all_running
from lab.processes import masters
from lab.unit import run
from lab.waiting import until

HERE = Path(__file__).resolve().parent
UNITS = Path("/usr/lib/systemd/system")
FILES = {
    HERE / "files/observe.json": "/var/lib/postmultid/management.json",
    HERE / "files/debian13/postfix.service": UNITS / "postfix.service",
    HERE / "files/debian13/postfix@.service": UNITS / "postfix@.service",
    HERE / "files/debian13/postfix-instance-generator": "/usr/lib/systemd/system-generators/postfix-instance-generator",
}
ENABLED = ("postfix.service", "postfix@out.service", "postfix@in.service")
OK = 0


@pytest.fixture(autouse=True)
def surroundings(journal, mail_hub):
    with Filter():
        wait_for_all_running()
        yield


def pids():
    return {each["id"]: each["pid"] for each in status()["members"]}


def systemctl(verb, *arguments):
    done = run("systemctl", verb, *arguments, within=90)
    assert done.code == OK, done


def states():
    return [run("systemctl", "is-active", unit).out.strip() for unit in ENABLED]


def test_taken_over_and_handed_back():
    before = pids()
    assert states() == ["active"] * 3
    assert pmctl("takeover", "--yes").code == OK
    assert pids() == before
    until(lambda: states()[0] == "active", 20, "postfix.service is active")
    assert pmctl("restart", "-", "postfix-out").code == OK
    assert (len(masters()), states()[0]) == (len(MEMBERS), "active")
    for verb in ("reload", "stop", "start", "restart"):
        systemctl(verb, "postfix")
        assert len(masters()) == (0 if verb == "stop" else len(MEMBERS))
    systemctl("start", "postfix@out")
    systemctl("stop", "postfix@out")
    assert member("postfix-out")["state"] == "stopped"
    systemctl("start", "postfix@out")
    wait_for_all_running()

    before = pids()
    assert pmctl("handback", "--yes").code == OK
    wait_for_all_running()
    assert (pids(), states()) == (before, ["active"] * 3)
    systemctl("reload", "postfix")
    wait_for_all_running()
    assert pids() == before
    systemctl("stop", "postfix")
    until(lambda: not masters(), 60, "the package's units stop their masters")
    systemctl("start", *ENABLED)
    wait_for_all_running()
    assert all(member(ident)["proof"]["adopted"] for ident in MEMBERS)
