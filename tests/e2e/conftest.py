"""Each test runs in a private host of its own, in a pytest of its own; the pytest outside starts them and reports.

So a test may break Postfix's configuration, kill what it likes and leave everything lying about, and tests may run at the
same time although each owns port 25.
"""
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.border import Surroundings
from lab.control import Postmultid, wait_for_all_running
from lab.waiting import TooLate

TESTS = Path(__file__).resolve().parents[1]
DEFAULT_TIME_LIMIT = 120


def pytest_addoption(parser):
    parser.addoption("--inside", action="store_true", help="run the tests here: this already is a private host")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if item.config.getoption("--inside"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    item.ihook.pytest_runtest_logreport(report=run_in_private_host(item))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def time_limit(item):
    marker = item.get_closest_marker("time_limit")
    return marker.args[0] if marker else DEFAULT_TIME_LIMIT


def run_in_private_host(item):
    limit = time_limit(item) + 15   # the test itself notices first, and shows its logs
    command = [
        TESTS / "host/private-host", sys.executable, "-m", "pytest", "-c", TESTS / "pytest.ini", "-p", "no:cacheprovider",
        "--inside", "--quiet", "--no-header", "--tb=short", "-rN", f"{item.path}::{item.nodeid.split('::', 1)[1]}",
    ]
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
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), outcome="failed" if failed else "passed",
        longrepr=output if failed else None, when="call", duration=ended - started, start=started, stop=ended)


# ---------------------------------------------------------------------------------------------------- inside

@pytest.fixture(autouse=True)
def limited_in_time(request):
    def too_late(*_):
        raise TooLate(f"the test is not done after {time_limit(request.node)} s")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(time_limit(request.node))
    yield
    signal.alarm(0)


@pytest.fixture
def border():
    """The border mail server's surroundings (syslog, filter, mail hub) running, Postfix not yet."""
    with Surroundings(log="/tmp/syslog") as surroundings:
        yield surroundings
    # pytest shows it only for a test that failed.
    print(Path("/tmp/syslog").read_text(encoding="utf-8", errors="replace"))


@pytest.fixture
def daemon(border):
    """postmultid on the border mail server, all members running. Its end is the end of the private host."""
    running = Postmultid().start()
    wait_for_all_running()
    yield running
    print(running.log.read_text())
