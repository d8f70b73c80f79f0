"""The border mail server of etc/examples with its surroundings: syslog, content filter, mail hub."""
import contextlib
import os
import subprocess
import time
from pathlib import Path

from .recorder import Recorder
from .sink import Sink
from .smtp import wait_for_greeting
from .waiting import until_exit

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "etc/examples/border-mail-server"
# All of it as one definition; EXAMPLE / "setup" makes the same by hand.
WHOLE = REPOSITORY / "etc/examples/border-mail-server.yaml"

# In start order, as pmctl calls them.
MEMBERS = ("-", "postfix-out", "postfix-in")
FILTER_PORT = 10025

CONFIGURATION = {"-": "/etc/postfix", "postfix-out": "/etc/postfix-out", "postfix-in": "/etc/postfix-in"}

# Mail that could not be passed on is tried again after minutes or hours by default, a test has seconds.
QUICK_RETRY = (
    "queue_run_delay = 1s",
    "minimal_backoff_time = 1s",
    "maximal_backoff_time = 2s",
    "transport_retry_time = 1s",
    "service_throttle_time = 1s",
    # One failed connection must not defer everything that is queued for the filter.
    "default_destination_concurrency_failed_cohort_limit = 100",
)


def postconf(member, *settings):
    """Edit a main.cf. Postfix would read one that is younger than two seconds over and over until it is not: made older."""
    directory = CONFIGURATION[member]
    subprocess.run(["postconf", "-c", directory, "-e", *settings], check=True)
    long_ago = time.time() - 3600
    os.utime(f"{directory}/main.cf", (long_ago, long_ago))


def retry_quickly():
    for member in MEMBERS:
        postconf(member, *QUICK_RETRY)


def retry_now():
    """What an operator types who does not want to wait for deferred mail.

    A message that is due again while its last delivery agent still has it (with our one second between attempts that happens)
    is put back into incoming, where qmgr looks when the next message comes, or when its wakeup time of 300 s is over."""
    for member in MEMBERS:
        # A member that is down just now has nobody to tell.
        subprocess.run(["postqueue", "-c", CONFIGURATION[member], "-f"], stderr=subprocess.DEVNULL, check=False)


def start_masters():
    """As `postfix start` does in the end, without its checks."""
    master = subprocess.run(["postconf", "-xh", "daemon_directory"], check=True, capture_output=True,
                            text=True).stdout.strip() + "/master"
    for member in MEMBERS:
        subprocess.run([master, "-c", CONFIGURATION[member], "-w"], check=True)


def start_order(log):
    """The members in the order in which their masters said that they had started."""
    return [_member(match) for match in log.find(r"^(\S+)/master\[\d+\]: daemon started")]


def stop_order(log):
    return [_member(match) for match in log.find(r"^(\S+)/master\[\d+\]: terminating on signal 15")]


def _member(match):
    return "-" if match[1] == "postfix" else match[1]


class Filter:
    """The example's content filter as a process of its own."""

    def __init__(self):
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen([EXAMPLE / "filter"])
        wait_for_greeting(port=FILTER_PORT)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        until_exit(self._process.pid, within=10)
        self._process.wait()


class Surroundings:
    """Everything of the border mail server that is not Postfix, running: use as a context manager."""

    def __init__(self, log=None, with_filter=True):
        self.syslog = Recorder(copy_to=log)
        self.sink = Sink()
        # Where a definition makes postmultid start it there must be no other one.
        self._parts = [self.syslog, self.sink] + ([Filter()] if with_filter else [])

    def __enter__(self):
        with contextlib.ExitStack() as started:
            for part in self._parts:
                started.enter_context(part)
            self._started = started.pop_all()
        return self

    def __exit__(self, *failure):
        return self._started.__exit__(*failure)

    def start_order(self):
        return start_order(self.syslog)

    def stop_order(self):
        return stop_order(self.syslog)
