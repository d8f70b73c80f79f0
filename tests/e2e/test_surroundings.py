"""What a start needs of the host around it: an address, a port, a name, a mounted queue, space. What is missing is waited
for by its own event; the slow retry beside it comes after a minute, so what is there within seconds was told."""
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from lab.border import postconf
from lab.control import Postmultid, member, pmctl, wait_for_all_running, wait_for_state
from lab.waiting import until

OK, REFUSED = 0, 78
WITHOUT_RETRY = 30   # seconds: less than the minute after which a start is tried again without an event
ADDRESS = "192.0.2.10"


def address(verb):
    subprocess.run(["ip", "address", verb, f"{ADDRESS}/32", "dev", "lo"], check=True)


def reason(ident):
    return member(ident)["reason"]


def listeners_of(ident):
    return next(check for check in member(ident)["checks"] if check["name"] == "listeners")["detail"]


def append_to_master_cf(ident, line):
    with open(f"/etc/{ident}/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write(line + "\n")


def test_an_address_that_comes_late_goes_and_returns(border):
    postconf("postfix-in", f"inet_interfaces = {ADDRESS}")
    Postmultid().start()
    assert wait_for_state("postfix-in", "failed")["reason"]["code"] == "no-such-address"
    assert ADDRESS in reason("postfix-in")["message"]
    wait_for_state("postfix-out", "running")

    address("add")
    first = wait_for_state("postfix-in", "running", within=WITHOUT_RETRY)["pid"]

    address("del")   # master holds its socket: nobody is stopped for that
    # A look as a client that is under way may first wait for an smtpd that waits for its anvil.
    until(lambda: f"{ADDRESS} is no address of this host any more" in listeners_of("postfix-in"), 60, "that is seen")
    assert member("postfix-in")["health"] == "degraded"
    assert member("postfix-in")["pid"] == first
    address("add")
    until(lambda: member("postfix-in")["health"] == "ok", 60, "and that it has returned")
    address("del")
    os.kill(first, signal.SIGKILL)
    assert wait_for_state("postfix-in", "failed")["reason"]["code"] == "no-such-address"
    address("add")
    assert wait_for_state("postfix-in", "running", within=WITHOUT_RETRY)["pid"] != first


def test_a_port_is_waited_for_until_its_owner_ends(border):
    listener = ("import signal, socket; s = socket.create_server(('127.0.0.1', 10026), reuse_port=False); "
                "print(flush=True); signal.pause()")
    with subprocess.Popen([sys.executable, "-c", listener], stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        Postmultid().start()
        why = wait_for_state("postfix-out", "failed")["reason"]
        assert why["code"] == "port-in-use"
        assert f"127.0.0.1:10026 is in use by process {owner.pid}" in why["message"]
        owner.kill()
    wait_for_state("postfix-out", "running", within=WITHOUT_RETRY)
    wait_for_state("postfix-in", "running")


def test_a_name_is_waited_for_until_it_can_be_resolved(border):
    append_to_master_cf("postfix-in", "mx-in.example.com:2526 inet n - n - - smtpd")
    Postmultid().start()
    why = wait_for_state("postfix-in", "failed")["reason"]
    assert why["code"] == "name-not-resolved"
    assert "mx-in.example.com" in why["message"]
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.1 mx-in.example.com\n")
    assert "127.0.0.1:2526" in wait_for_state("postfix-in", "running", within=WITHOUT_RETRY)["listeners"]


def copy_queue(source, target):
    """With owners and modes: a queue belongs to several."""
    subprocess.run(["cp", "-a", source, target], check=True)


def mounted_queue():
    """postfix-out's queue on a file system of its own; returns its mount point."""
    point, disk = Path("/srv/mail"), Path("/srv/disk")
    for directory in (point, disk):
        directory.mkdir(parents=True)
    copy_queue("/var/spool/postfix-out", disk / "postfix-out")
    subprocess.run(["mount", "--bind", disk, point], check=True)
    postconf("postfix-out", f"queue_directory = {point}/postfix-out")
    return point, disk


def test_an_instance_whose_queue_is_not_mounted_is_not_started_on_the_mount_point(border):
    point, disk = mounted_queue()
    daemon = Postmultid().start()
    wait_for_all_running()
    assert daemon.stop() == 0
    subprocess.run(["umount", point], check=True)

    Postmultid().start()
    why = wait_for_state("postfix-out", "failed")["reason"]
    assert why["code"] == "queue-not-mounted"
    assert str(point) in why["message"] and "--accept-new-queue" in why["hint"]
    assert pmctl("start", "postfix-out").code != OK
    assert not list(point.iterdir())

    subprocess.run(["mount", "--bind", disk, point], check=True)
    wait_for_state("postfix-out", "running", within=WITHOUT_RETRY)
    wait_for_state("postfix-in", "running")


def test_a_queue_that_was_moved_is_accepted_by_request_and_remembered(border):
    point, disk = mounted_queue()
    daemon = Postmultid().start()
    wait_for_all_running()
    copy_queue(disk / "postfix-out", "/srv/elsewhere")
    postconf("postfix-out", "queue_directory = /srv/elsewhere")   # never seen: nothing to guard
    assert pmctl("restart", "postfix-out").code == OK
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "mail", "/srv/elsewhere"], check=True)
    copy_queue(f"{disk}/postfix-out/.", "/srv/elsewhere")

    old = member("postfix-out")["pid"]
    refused = pmctl("restart", "postfix-out")
    assert refused.code == REFUSED and "/srv/elsewhere (tmpfs)" in refused.text, refused
    assert member("postfix-out")["pid"] == old
    assert pmctl("stop", "postfix-out").code == OK
    assert pmctl("start", "postfix-out").code != OK
    assert pmctl("start", "--accept-new-queue", "postfix-out").code == OK
    assert pmctl("restart", "postfix-out").code == OK
    daemon.stop()


def test_a_full_queue_file_system_is_named_and_waited_for(border):
    point = Path("/srv/mail")
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "mail", point], check=True)
    copy_queue("/var/spool/postfix-out", point / "postfix-out")
    ballast = point / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], stderr=subprocess.DEVNULL, check=False)
    postconf("postfix-out", f"queue_directory = {point}/postfix-out")
    Postmultid().start()
    why = wait_for_state("postfix-out", "failed")["reason"]
    assert why["code"] == "no-space", why
    assert str(point) in why["message"]
    ballast.unlink()
    wait_for_state("postfix-out", "running", within=60)


def test_without_room_for_temporary_files_all_goes_on(border, monkeypatch):
    directory = Path("/srv/temporary")   # not /tmp itself: this repository may be there
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", directory], check=True)
    Postmultid().start()
    wait_for_all_running()
    assert pmctl("reload", "postfix-out").code == OK
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", directory], check=True)
    (directory / "filler").write_bytes(b"x" * 4096)
    assert pmctl("restart", "postfix-out").code == OK
