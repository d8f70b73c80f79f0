"""Waiting with a deadline, so that no test ever sleeps and hopes."""
import os
import select
import time


class TooLate(AssertionError):
    """What was awaited did not come about in time."""


def until(condition, within, what):
    """Wait until condition() is true and return its value. Only for what sends no event that could be waited for."""
    deadline = time.monotonic() + within
    pause = 0.001
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TooLate(f"not within {within} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return value


def until_exit(pid, within):
    """Wait for the end of a process that need not be our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([handle], [], [], within)[0]:
            raise TooLate(f"process {pid} still there after {within} s")
    finally:
        os.close(handle)
