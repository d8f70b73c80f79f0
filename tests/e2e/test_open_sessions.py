"""A crash cuts nobody off: neither the sessions that were open nor the connections that come after it.

smtpd processes outlive a killed master while they serve a client, and hold its listening socket, on which nobody accepts
any more. Postfix opens those with SO_REUSEPORT, so the kernel goes on giving them a share of all new connections.
"""
import os
import signal
import socket

import pytest

from lab import smtp
from lab.border import retry_now, start_masters
from lab.control import PMCTL, Postmultid, member, pmctl, wait_for_all_running, wait_for_restart, wait_for_state
from lab.processes import masters, server_of
from lab.waiting import until


def every_connection_is_served_by(master):
    for number in range(50):
        with socket.create_connection(("127.0.0.1", 25), timeout=5) as connection:
            assert smtp.greeting(connection).startswith("220 "), f"connection {number}"
            assert server_of(connection).parent == master, f"connection {number} was served by an old process"


def test_after_a_crash_the_new_master_gets_every_connection_and_old_sessions_finish(daemon, border):
    held = [smtp.HeldSession() for _ in range(4)]
    old = member("postfix-in")["pid"]
    os.kill(old, signal.SIGKILL)
    new = wait_for_restart("postfix-in", old)["pid"]

    every_connection_is_served_by(new)

    for session in held:
        code, text = session.finish()
        assert code == 250, text
    border.sink.wait_for([session.id for session in held], within=60, nudge=retry_now)


@pytest.mark.parametrize("seen", ["by one who observed", "by nobody"])
def test_after_a_crash_that_was_not_ours_to_clear_up_it_is_the_same(border, seen):
    start_masters()
    observer = Postmultid("--observe-until-takeover", "--pmctl", PMCTL).start()
    wait_for_all_running()
    held = [smtp.HeldSession() for _ in range(4)]
    old = member("postfix-in")["pid"]
    if seen == "by nobody":
        observer.kill()
        os.kill(old, signal.SIGKILL)
        until(lambda: old not in [process.pid for process in masters()], 10, "the master is gone")
        Postmultid().start()
    else:
        os.kill(old, signal.SIGKILL)
        wait_for_state("postfix-in", "failed")
        assert pmctl("takeover", "--yes").code == 0
    every_connection_is_served_by(wait_for_restart("postfix-in", old)["pid"])
    for session in held:
        code, text = session.finish()
        assert code == 250, text
