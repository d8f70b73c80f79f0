"""The daemon dies at each single point of what it does; whoever comes after it makes that good.

The points are not listed here: a first daemon writes down which ones it comes to."""
import os
import signal
from pathlib import Path

import pytest

from lab.border import start_masters
from lab.control import BUILD, Postmultid, get, member, post, status, wait_for_all_running, wait_for_state
from lab.processes import is_master, masters, of_instance, processes
from lab.waiting import until

PROGRAM = BUILD / "daemon/postmultid-with-fault-points"
POINTS = Path("/tmp/points")
VICTIM = "postfix-out"


class Mortal(Postmultid):
    """A daemon that dies at a point, or, without one, writes down those that it comes to."""

    program = PROGRAM

    def __init__(self, point=None):
        super().__init__()
        self._point = point

    def start(self):
        assert PROGRAM.exists(), "meson setup --reconfigure build -Dfault_points=true"
        variable = ("POSTMULTID_FAULT_POINT", self._point) if self._point else ("POSTMULTID_FAULT_LOG", str(POINTS))
        os.environ[variable[0]] = variable[1]
        try:
            return super().start()
        finally:
            del os.environ[variable[0]]

    def points(self):
        return POINTS.read_text().splitlines() if POINTS.exists() else []

    @property
    def dead(self):
        return self.process.poll() is not None


def ask(action):
    """The operation's id, or nothing if the daemon died before it had promised it."""
    try:
        answer = post("/v1/operations", {"action": action, "select": {"names": [VICTIM]}})
    except OSError:
        return None
    return answer.json["id"] if answer.status == 202 else None


def finished(operation):
    try:
        return get(f"/v1/operations/{operation}").json["state"] == "finished"
    except OSError:
        return False


def all_is_well(wanted_up):
    """One master for each that is up, none for the one that is not, and nobody who has lost his."""
    until(lambda: all(shown["state"] in ("running", "stopped") for shown in status()["members"]), 60, "all have come to rest")
    up = {shown["id"]: shown["pid"] for shown in status()["members"] if shown["state"] == "running"}
    alive = sorted(process.pid for process in masters())
    assert (VICTIM in up) == wanted_up
    assert alive == sorted(up.values())
    of_victim = of_instance(VICTIM)
    if not wanted_up:
        assert of_victim == []
    for process in of_victim:
        assert process.pid in alive or process.parent in alive, process
    assert not [process for process in processes() if process.state == "Z" and is_master(process.pid)]


def settled(wanted):
    return wait_for_state(VICTIM, "running" if wanted else "stopped", within=90)


def at_rest():
    until(lambda: member(VICTIM)["state"] in ("running", "stopped"), 60, "it has come to rest")


def prepare(up):
    at_rest()
    if (member(VICTIM)["state"] == "running") != up:
        post("/v1/operations", {"action": "start" if up else "stop", "select": {"names": [VICTIM]}})
    settled(up)


def points_of(action, up_before):
    """Those that a daemon comes to between the request and its end, and no others."""
    daemon = Mortal().start()
    wait_for_state("postfix-in", "running")
    prepare(up_before)
    before = set(daemon.points())
    POINTS.unlink(missing_ok=True)
    operation = ask(action)
    until(lambda: finished(operation), 60, f"{action} is done")
    # Each is written once; what came before may have been the same.
    found = set(daemon.points()) | {point for point in before if point.split(" ")[0] in ("write", "written", "Progress")}
    daemon.kill()
    return sorted(point for point in found if point.endswith(VICTIM) or " " not in point)


@pytest.mark.time_limit(600)
@pytest.mark.parametrize("action", ["start", "stop", "reload"])
def test_a_daemon_that_dies_anywhere_in_it_costs_no_second_master_no_orphan_and_no_stop(border, action):
    start_masters()
    up_before, up_after = action != "start", action != "stop"
    points = points_of(action, up_before)
    assert {"start": f"Launch {VICTIM}", "stop": f"SignalMaster {VICTIM}", "reload": f"Reload {VICTIM}"}[action] in points
    died = []
    for point in points:
        sound = Postmultid().start()
        wait_for_state("postfix-in", "running")
        prepare(up_before)
        sound.kill()

        try:
            daemon = Mortal(point).start()
        except AssertionError:
            daemon = None   # it died while it came up: that is a point of adoption
        promised = ask(action) if daemon else None
        if daemon:
            until(lambda: daemon.dead or (promised and finished(promised)), 60, f"it dies at {point}")
            died += [point] if daemon.dead else []
            if not daemon.dead:
                daemon.kill()

        heir = Postmultid().start()
        wait_for_state("postfix-in", "running")
        if promised:
            settled(up_after)
            assert finished(promised)
        at_rest()
        all_is_well(member(VICTIM)["desired"] == "up")
        heir.kill()
    print(f"{action}: died at {len(died)} of {len(points)}: {', '.join(died)}")
    assert len(died) > len(points) / 2
