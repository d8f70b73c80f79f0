"""Each test runs in a system of its own that systemd has booted (see boot), with the border mail server up or on its way."""
from pathlib import Path

import pytest

from lab.border import EXAMPLE, REPOSITORY
from lab.control import wait_for_all_running
from lab.journal import Journal
from lab.own_host import (  # pylint: disable=unused-import
    NOTICES_FIRST, limited_in_time, pytest_addoption, run_in_own_host, time_limit)
from lab.sink import Sink

HERE = Path(__file__).resolve().parent
# boot limits itself: to its command's time and this for booting and powering off, and leaves nothing behind then.
BOOT_AND_POWER_OFF = 90


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if item.config.getoption("--inside"):
        return None
    journal = REPOSITORY / f"build/journal-{item.name}.log"
    journal.unlink(missing_ok=True)
    limit = time_limit(item) + NOTICES_FIRST
    # What a module's tests boot with, where that is not the example's definition.
    files = getattr(item.module, "FILES", {EXAMPLE / "postmultid.yaml": "/etc/postmultid/postmultid.yaml"})
    enabled = ("postmultid.service", *getattr(item.module, "ENABLED", ()))
    boot = [
        HERE / "boot", "--timeout", str(limit), "--journal", journal,
        *(word for unit in enabled for word in ("--enable", unit)),
        *(word for source, place in files.items() for word in ("--file", f"{source}:{place}")),
    ]

    def journal_of_the_failed():
        return f"\n{journal}:\n{journal.read_text(errors='replace')}" if journal.exists() else "\nno journal"
    return run_in_own_host(item, boot, limit + BOOT_AND_POWER_OFF, journal_of_the_failed)


# ---------------------------------------------------------------------------------------------------- inside

@pytest.fixture
def journal():
    with Journal() as running:
        yield running


@pytest.fixture
def mail_hub():
    with Sink() as sink:
        yield sink


@pytest.fixture
def members():
    """The pids by member when all of them run, the content filter's too."""
    return {member["id"]: member["pid"] for member in wait_for_all_running()}
