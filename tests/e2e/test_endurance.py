"""What a hundred crashes may cost: nothing that stays."""
import os
import signal

import pytest

from lab.border import MEMBERS
from lab.control import member, pmctl, wait_for_restart
from lab.processes import open_files, resident_kib, zombies
from lab.waiting import until

CRASHES = 1000 if "POSTMULTID_LONG" in os.environ else 100


def crash(ident):
    old = member(ident)["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart(ident, old)
    assert pmctl("reset-failed", ident).code == 0   # a clean history, so that the next restart is immediate too


@pytest.mark.time_limit(3 * CRASHES)
def test_a_hundred_crashes_leave_no_zombie_no_open_file_and_no_memory(daemon):
    for ident in MEMBERS:   # whatever is allocated once and kept
        crash(ident)
    files, memory = open_files(daemon.pid), resident_kib(daemon.pid)

    for number in range(CRASHES):
        crash(MEMBERS[number % len(MEMBERS)])

    until(lambda: not zombies(daemon.pid), within=10, what="no zombie")
    # A probe or a client may be under way at any one moment.
    until(lambda: open_files(daemon.pid) <= files, within=20,
          what=f"as many open files as before: {files}, now {open_files(daemon.pid)}")
    growth = resident_kib(daemon.pid) - memory
    print(f"{CRASHES} crashes: {files} open files, memory grew by {growth} KiB to {resident_kib(daemon.pid)} KiB")
    # What is kept on purpose fills up meanwhile: 4096 events, 256 operations, their text for the next daemon, and what malloc
    # holds for each of 16 threads.
    assert growth < 10240
