"""A crash cuts nobody off: neither the sessions that were open nor the connections that come after it.

smtpd processes outlive a killed master while they serve a client, and hold its listening socket, on which nobody accepts
any more. Postfix opens those with SO_REUSEPORT, so the kernel goes on giving them a share of all new connections.
"""
import os
import signal
import socket

from lab import smtp
from lab.border import retry_now
from lab.control import member, wait_for_restart
from lab.processes import server_of


def test_after_a_crash_the_new_master_gets_every_connection_and_old_sessions_finish(daemon, border):
    held = [smtp.HeldSession() for _ in range(4)]
    old = member("postfix-in")["pid"]
    os.kill(old, signal.SIGKILL)
    new = wait_for_restart("postfix-in", old)["pid"]

    for number in range(50):
        with socket.create_connection(("127.0.0.1", 25), timeout=5) as connection:
            assert smtp.greeting(connection).startswith("220 "), f"connection {number}"
            assert server_of(connection).parent == new, f"connection {number} was served by an old process"

    for session in held:
        code, text = session.finish()
        assert code == 250, text
    border.sink.wait_for([session.id for session in held], within=60, nudge=retry_now)
