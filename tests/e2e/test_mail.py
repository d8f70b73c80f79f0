"""Mail through the border server: nothing that was accepted may ever be lost."""
import os
import signal

import pytest

from lab import smtp
from lab.border import MEMBERS, retry_now
from lab.control import member, pmctl, wait_for_restart


def test_a_message_passes_in_filter_out_and_arrives_at_the_mail_hub(daemon, border):
    ident = smtp.send()
    border.sink.wait_for([ident], within=20)


def test_mail_sent_on_the_host_itself_leaves_through_the_primary(daemon, border):
    import subprocess
    ident = smtp.new_id()
    subprocess.run(["sendmail", "-i", "-f", "root", "-t"], input=smtp.message(ident).replace(b"\r\n", b"\n"), check=True)
    border.sink.wait_for([ident], within=20)


@pytest.mark.time_limit(300)
def test_every_accepted_message_arrives_although_each_master_is_killed_in_turn(daemon, border):
    rounds = 40 if "POSTMULTID_LONG" in os.environ else 4
    sender = smtp.Sender(count=200).start()
    for _ in range(rounds):
        for ident in MEMBERS:
            old = member(ident)["pid"]
            os.kill(old, signal.SIGKILL)
            wait_for_restart(ident, old)
            pmctl("reset-failed", ident)   # else the fourth crash would wait for seconds, by policy
    accepted = sender.join()
    assert len(accepted) == 200
    border.sink.wait_for(accepted, within=120, nudge=retry_now)
    print(f"{sender.refused} attempts refused or cut, {len(border.sink.arrived) - 200} duplicates")
