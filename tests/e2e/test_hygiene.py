"""What the daemon's processes are given, and what becomes of those that nobody owns."""
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from lab.control import POSTMULTID, get, member, wait_for_all_running, wait_for_restart
from lab.processes import children, masters, processes, zombies
from lab.waiting import until


def status_line(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


# Of the thread library's own: glibc's posix_spawn leaves them ignored, and whoever uses threads sets them up for himself.
INTERNAL = 3 << 31


def open_by(pid):
    """What its descriptors are; some may be closed between the two looks."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(link))
    return found


def inherited(pid):
    """What a master passes on to everything that Postfix starts."""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {
        "ignored": int(status_line(pid, "SigIgn"), 16) & ~INTERNAL,
        "blocked": int(status_line(pid, "SigBlk"), 16),
        "umask": status_line(pid, "Umask"),
        # master raises the number of its open files to the hard limit by itself.
        "limits": [line for line in limits if "open files" not in line],
        "oom_score_adj": Path(f"/proc/{pid}/oom_score_adj").read_text(),
        "directory": os.readlink(f"/proc/{pid}/cwd"),
    }


def test_a_master_has_a_clean_slate(daemon):
    master = member("postfix-out")["pid"]
    by_us = inherited(master)
    environment = Path(f"/proc/{master}/environ").read_bytes().split(b"\0")
    names = {variable.split(b"=")[0].decode() for variable in environment if variable}
    assert names <= {"PATH", "LANG", "TZ", "INVOCATION_ID", "MAIL_CONFIG", "MAIL_LOGTAG"}, names
    ours, theirs = open_by(daemon.pid), open_by(master)
    assert not {link for link in ours & theirs if "socket:" in link or "pidfd" in link}

    # As a master has it that was started without us.
    daemon.kill()
    os.kill(master, signal.SIGKILL)
    until(lambda: master not in [process.pid for process in masters()], 10, "it is gone")
    subprocess.run(["/usr/lib/postfix/sbin/master", "-c", "/etc/postfix-out", "-w"], check=True)
    plain = next(process.pid for process in masters() if os.readlink(f"/proc/{process.pid}/cwd") == by_us["directory"])
    assert by_us == inherited(plain)


def test_what_loses_its_parent_is_reaped(daemon):
    """A master that dies leaves its daemons to us."""
    master = member("postfix-in")["pid"]
    orphans = {child.pid for child in children(master)}
    assert orphans
    os.kill(master, signal.SIGKILL)
    wait_for_restart("postfix-in", master)
    until(lambda: not orphans & {process.pid for process in processes()}, 60, "all have ended and are reaped")
    assert not zombies(daemon.pid)


def test_it_can_be_the_first_process_of_a_container(border):
    container = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", POSTMULTID],
                                 stdin=subprocess.DEVNULL)
    until(lambda: Path("/run/postmultid/control.sock").exists() and get("/v1/health").status == 200, 20, "it answers")
    wait_for_all_running()
    assert get("/v1/status").json["daemon"]["pid"] == 1
    first = children(container.pid)[0].pid

    # An orphan of anybody's is its child, and it is nobody else's to reap it.
    subprocess.run(["nsenter", f"--target={first}", "--pid", "--mount", "sh", "-c", "sleep 0.2 & exit"], check=True)
    until(lambda: not zombies(first), 10, "the orphan is reaped")

    old = member("postfix-out")["pid"]
    subprocess.run(["nsenter", f"--target={first}", "--pid", "--mount", "kill", "-KILL", str(old)], check=True)
    wait_for_restart("postfix-out", old)
    os.kill(first, signal.SIGTERM)
    assert container.wait(60) == 0
    assert masters() == []
