"""For the conftest.py of tests that each run in a host of their own, in a pytest of their own.

The pytest outside only starts those and reports. So a test may break Postfix's configuration, kill what it likes and
leave everything lying about, and tests may run at the same time although each owns port 25.

A conftest.py imports pytest_addoption and limited_in_time, and calls run_in_own_host() from pytest_runtest_protocol().
"""
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .waiting import TooLate

TESTS = Path(__file__).resolve().parents[1]
DEFAULT_TIME_LIMIT = 120
# The test itself notices first that it is too late, and shows its logs.
NOTICES_FIRST = 15


def pytest_addoption(parser):
    parser.addoption("--inside", action="store_true", help="run the tests here: this already is a host of their own")


def time_limit(item):
    marker = item.get_closest_marker("time_limit")
    return marker.args[0] if marker else DEFAULT_TIME_LIMIT


def run_in_own_host(item, host_command, limit, more_output=lambda: ""):
    """Run the test by a command that makes a host and runs its arguments there; `limit` is for all of that, in seconds."""
    command = [
        *host_command, sys.executable, "-m", "pytest", "-c", TESTS / "pytest.ini", "-p", "no:cacheprovider",
        "--inside", "--quiet", "--no-header", "--tb=short", "-rN", f"{item.path}::{item.nodeid.split('::', 1)[1]}",
    ]
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    started = time.time()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")
    try:
        output, _ = process.communicate(timeout=limit)
        failed = process.returncode != 0
    except subprocess.TimeoutExpired:
        process.kill()   # and with it everything in its pid namespace
        output, _ = process.communicate()
        output += f"\nended after {limit} s"
        failed = True
    ended = time.time()
    item.ihook.pytest_runtest_logreport(report=pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), outcome="failed" if failed else "passed",
        longrepr=output + more_output() if failed else None, when="call", duration=ended - started, start=started,
        stop=ended))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(autouse=True)
def limited_in_time(request):
    def too_late(*_):
        raise TooLate(f"the test is not done after {time_limit(request.node)} s")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(time_limit(request.node))
    yield
    signal.alarm(0)
