"""The daemon's own death harms nobody."""
import os
import signal

from lab import smtp
from lab.control import Postmultid, member, status, wait_for_all_running, wait_for_restart
from lab.processes import masters


def test_a_daemon_that_was_killed_leaves_mail_running_and_its_successor_adopts_the_masters(daemon, border):
    before = {shown["id"]: shown["pid"] for shown in status()["members"]}
    daemon.kill()
    border.sink.wait_for([smtp.send()], within=20)

    successor = Postmultid().start()
    wait_for_all_running()
    assert {shown["id"]: shown["pid"] for shown in status()["members"]} == before
    assert sorted(process.pid for process in masters()) == sorted(before.values())

    # Adopted is as good as started: a crash is noticed, and an ordered stop ends all of them.
    os.kill(before["postfix-out"], signal.SIGKILL)
    wait_for_restart("postfix-out", before["postfix-out"])
    assert member("postfix-in")["pid"] == before["postfix-in"]
    assert successor.stop() == 0
    assert masters() == []
