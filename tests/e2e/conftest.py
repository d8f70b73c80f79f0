"""Each test runs in a private host of its own (see lab/own_host.py)."""
import os
from pathlib import Path

import pytest

from lab.border import Surroundings, start_masters
from lab.control import Postmultid, wait_for_all_running
from lab.definition import define
from lab.own_host import (  # pylint: disable=unused-import
    NOTICES_FIRST, TESTS, limited_in_time, pytest_addoption, run_in_own_host, time_limit)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if item.config.getoption("--inside"):
        return None
    host = [TESTS / "host/private-host"]
    if item.get_closest_marker("fresh_postfix"):
        # Without the layer on top, that of the border mail server.
        layers = os.environ["POSTMULTID_LAYERS"].split(":", 1)[1]
        host = ["env", f"POSTMULTID_LAYERS={layers}", *host]
    return run_in_own_host(item, host, limit=time_limit(item) + NOTICES_FIRST)


# ---------------------------------------------------------------------------------------------------- inside

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


@pytest.fixture
def adopted(border):
    """postmultid on a border mail server that runs already, for tests in which it does not matter who has started it: to
    check and to start three instances takes seconds, to find them is done at once."""
    start_masters()
    running = Postmultid().start()
    wait_for_all_running()
    yield running
    print(running.log.read_text())


@pytest.fixture
def defined():
    """The same with the definition of the example: postmultid starts the content filter, too."""
    define()
    with Surroundings(log="/tmp/syslog", with_filter=False) as surroundings:
        surroundings.daemon = Postmultid().start()
        wait_for_all_running()
        yield surroundings
    print(surroundings.daemon.log.read_text())
