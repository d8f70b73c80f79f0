"""The unit's sandbox is everybody's who is started by it: what Postfix's own processes and commands do must still work."""
import os
import pwd
import subprocess
from pathlib import Path

import pytest

from lab.border import postconf
from lab.control import member, pmctl
from lab.processes import of_instance
from lab.unit import UNIT, main_pid, run
from lab.waiting import until

TOOL = Path("/usr/local/bin/tool")


@pytest.fixture
def alice(members):
    """A user with a mailbox at home, and a program that gets mail as that user does."""
    run("useradd", "--create-home", "alice")
    TOOL.write_text("#!/bin/sh\n"
                    "{ id -un; id -Gn; cat /proc/self/oom_score_adj; mktemp; ulimit -n; cat; } >>/home/alice/by-$1 2>&1\n"
                    "[ $1 = pipe ] || /usr/sbin/sendmail bob@tool.example </dev/null >>/home/alice/by-$1 2>&1\n")
    TOOL.chmod(0o755)
    Path("/home/alice/.forward").write_text(f'\\alice, "|{TOOL} local"\n')
    os.chown("/home/alice/.forward", pwd.getpwnam("alice").pw_uid, -1)
    postconf("-", "mydestination = here.example, $myorigin", "local_transport = local", "home_mailbox = Maildir/",
             "transport_maps = inline:{tool.example=tool:}", "virtual_alias_maps =",
             "authorized_submit_users = static:anyone")
    with open("/etc/postfix/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write(f"tool unix - n n - - pipe user=alice argv={TOOL} pipe\n")
    assert pmctl("restart", "-").code == 0
    return Path("/home/alice")


def submit(user, recipient):
    subprocess.run(["runuser", "-u", user, "--", "sendmail", recipient], input="Subject: lab\n\nHello\n", text=True, check=True)


def got(file):
    """What was written, once there is all of it: the message comes last."""
    text = file.read_text() if file.exists() else ""
    return text if "Received: " in text else None


def test_mail_comes_to_a_home_to_commands_and_from_set_gid_postdrop(alice):
    submit("alice", "alice@here.example")     # set-gid postdrop, local(8) to a home, and as the user to a command
    until(lambda: list((alice / "Maildir/new").glob("*")), 30, "it is in the mailbox")
    by_local = until(lambda: got(alice / "by-local"), 30, "and at the command")
    # The command's own sendmail(1), whose postdrop must get its group, goes to pipe(8).
    by_pipe = until(lambda: got(alice / "by-pipe"), 30, "and at pipe(8)'s")
    for said in (by_local, by_pipe):
        lines = said.splitlines()
        assert lines[:3] == ["alice", "alice", "0"], lines
        assert lines[3].startswith("/tmp/tmp."), lines
    assert "denied" not in by_local + by_pipe


def test_what_is_chrooted_and_who_binds_a_port_of_root_are_there(members):
    # smtpd of postfix-in serves port 25, and pickup is chrooted by Debian's master.cf.
    assert "*:25" in member("postfix-in")["listeners"]
    roots = {process.command: os.readlink(f"/proc/{process.pid}/root") for process in of_instance("postfix-in")}
    assert roots["pickup"] == "/var/spool/postfix-in"
    assert roots["master"] == "/"


def test_the_daemon_is_spared_by_the_kernel_and_mail_is_not_above_others(members):
    # Without CAP_SYS_RESOURCE, as in many a container, systemd itself cannot spare anybody.
    can_be = run("sh", "-c", "echo -500 >/proc/self/oom_score_adj").code == 0
    assert Path(f"/proc/{main_pid()}/oom_score_adj").read_text().strip() == ("-500" if can_be else "0")
    for ident in ("postfix-in", "filter"):
        assert Path(f"/proc/{members[ident]}/oom_score_adj").read_text().strip() == "0"


def test_it_is_tight():
    found = run("systemd-analyze", "security", "--no-pager", UNIT)
    exposure = float(found.out.splitlines()[-1].split(":")[1].split()[0])
    assert exposure < 6, found.out
