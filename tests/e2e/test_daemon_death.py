"""The daemon's own death harms nobody."""
import os
import signal
import socket
import subprocess

from lab import smtp
from lab.border import start_masters
from lab.control import PMCTL, Postmultid, member, pmctl, status, wait_for_all_running, wait_for_restart
from lab.processes import masters
from lab.waiting import until


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


def test_who_waits_or_follows_goes_on_with_the_next_daemon_though_nobody_listens_in_between(adopted):
    assert pmctl("stop", "postfix-out").code == 0
    with subprocess.Popen([PMCTL, "events", "-f", "-n", "1"], stdout=subprocess.PIPE, text=True) as following, \
         subprocess.Popen([PMCTL, "wait", "postfix-out"]) as waiting:
        first = following.stdout.readline()
        until(lambda: "postmultid_event_subscribers 2\n" in pmctl("metrics").out, 20, "both read the stream")
        adopted.kill()
        Postmultid().start()
        assert pmctl("start", "postfix-out").code == 0
        assert waiting.wait(30) == 0
        assert any("postfix-out" in line and "running" in line for line in following.stdout)
        following.kill()
        assert "stop succeeded" in first


def test_a_systemd_that_does_not_read_stops_nothing(border, monkeypatch):
    start_masters()
    monkeypatch.setenv("NOTIFY_SOCKET", "/tmp/notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, \
         socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        systemd.bind("/tmp/notify")
        systemd.setblocking(False)
        others.setblocking(False)
        try:
            while True:
                others.sendto(b"full", "/tmp/notify")
        except BlockingIOError:
            pass
        Postmultid().start()
        wait_for_all_running()
        crashed = member("postfix-out")["pid"]
        os.kill(crashed, signal.SIGKILL)
        wait_for_restart("postfix-out", crashed)

        systemd.setblocking(True)
        systemd.settimeout(20)
        while systemd.recv(200) != b"READY=1":
            pass
