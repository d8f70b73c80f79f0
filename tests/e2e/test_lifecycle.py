"""What postmulti does, through the daemon: and where postmulti is unsafe, not as it does."""
import os
import subprocess
from pathlib import Path

import pytest

from lab import smtp
from lab.control import get, member, pmctl, status, wait_for_state
from lab.waiting import until

OK, FAILED, NO_SUCH = 0, 1, 4
NEW = Path("/etc/postfix-new")


def value(directory, parameter):
    return subprocess.run(["postconf", "-c", directory, "-h", parameter], capture_output=True, text=True,
                          check=True).stdout.strip()


def directories():
    return value("/etc/postfix", "multi_instance_directories").split()


def tree(name):
    """Owner, group, mode and kind of everything that belongs to an instance, and the texts of its configuration."""
    found = {}
    for root in (f"/etc/{name}", f"/var/spool/{name}", f"/var/lib/{name}"):
        for path in [Path(root), *sorted(Path(root).rglob("*"))]:
            shown = path.lstat()
            # postconf adds lines in no order.
            text = sorted(path.read_text().replace(name, "NAME").splitlines()) if path.is_file() else None
            found[str(path).replace(name, "NAME")] = (shown.st_uid, shown.st_gid, shown.st_mode, text)
    return found


def postmulti(*arguments):
    return subprocess.run(["postmulti", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.time_limit(180)
def test_an_instance_is_made_as_postmulti_makes_it_lives_and_leaves_nothing(adopted):
    created = pmctl("create", "new", "-g", "mta", "--before", "in")
    assert created.code == OK and "before in" in created.out, created
    assert directories() == ["/etc/postfix-out", "/etc/postfix-new", "/etc/postfix-in"]
    assert postmulti("-I", "postfix-peer", "-G", "mta", "-e", "create").returncode == 0
    assert tree("postfix-new") == tree("postfix-peer")
    listed = [line.split()[0] for line in pmctl("list", "-l").out.splitlines()]
    assert listed == [line.split()[0] for line in postmulti("-l").stdout.splitlines()] or "postfix-new" in listed
    until(lambda: "postfix-peer" in pmctl("list").out, 30, "the other one is noticed")
    assert sorted(pmctl("list", "-l").out.splitlines()) == sorted(postmulti("-l").stdout.splitlines())

    assert pmctl("create", "new").code == FAILED
    assert pmctl("start", "new").code == OK
    running = pmctl("destroy", "new")
    assert running.code == FAILED and "pmctl stop postfix-new" in running.text
    assert pmctl("deport", "new").code == FAILED
    subprocess.run(["sendmail", "-C", NEW, "-f", "root", "someone@example.com"], input="Subject: x\n\nx\n", text=True,
                   check=False)
    assert pmctl("stop", "new").code == OK
    hold = Path("/var/spool/postfix-new/hold/3ZZZZZ1")
    hold.write_text("a message")
    refused = pmctl("destroy", "new")
    assert refused.code == FAILED and "1 in hold" in refused.text
    assert hold.exists() and (NEW / "main.cf").exists() and "/etc/postfix-new" in directories()
    hold.unlink()
    gone = pmctl("destroy", "new")
    assert gone.code == OK, gone
    assert not NEW.exists() and not Path("/var/spool/postfix-new").exists() and not Path("/var/lib/postfix-new").exists()
    assert "/etc/postfix-new" not in directories()
    until(lambda: "postfix-new" not in pmctl("list").out, 20, "it is gone")


def test_names_groups_and_the_list_are_changed_and_the_primary_is_protected(adopted):
    assert pmctl("assign", "in", "--group", "edge").code == OK
    assert (value("/etc/postfix-in", "multi_instance_group"), member("postfix-in")["group"]) == ("edge", "edge")
    named = pmctl("assign", "in", "--name", "postfix-mx")
    assert named.code == OK and "restarted" in named.out
    assert value("/etc/postfix-in", "multi_instance_name") == "postfix-mx"
    assert pmctl("assign", "in", "--name", "postfix-out").code == FAILED
    assert pmctl("assign", "in", "--name", "postfix-in").code == OK
    for verb in ("deport", "destroy", "disable"):
        refused = pmctl(verb, "-")
        assert refused.code != OK and "primary" in refused.text, refused
    assert pmctl("destroy", "nobody").code == NO_SUCH
    assert pmctl("stop", "in").code == OK
    deported = pmctl("deport", "in")
    assert deported.code == OK and directories() == ["/etc/postfix-out"]
    assert Path("/etc/postfix-in/main.cf").exists()
    assert pmctl("import", "in").code == OK
    assert directories() == ["/etc/postfix-out", "/etc/postfix-in"]
    assert pmctl("start", "in").code == OK


def test_a_broken_sibling_is_in_nobodys_way_and_what_fails_in_the_middle_leaves_nothing(adopted):
    with open("/etc/postfix-in/main.cf", "a", encoding="ascii") as main_cf:
        main_cf.write("this is no setting\n")
    assert postmulti("-I", "postfix-peer", "-e", "create").returncode != 0
    assert pmctl("create", "new").code == OK
    assert pmctl("destroy", "new").code == OK
    before = Path("/etc/postfix/main.cf").read_text()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/var/spool"], check=False)
    os.makedirs("/srv/full")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=6", "tmpfs", "/srv/full"], check=True)
    failed = pmctl("create", "new", "--queue", "/srv/full/queue")
    assert failed.code == FAILED and "nothing was changed" in failed.text, failed
    assert not NEW.exists() and not Path("/var/lib/postfix-new").exists() and not Path("/srv/full/queue").exists()
    assert Path("/etc/postfix/main.cf").read_text().replace("alternate_config_directories =\n", "") == before
    assert [event for event in get("/v1/events?follow=no").lines if event["what"] == "create"]


def test_exec_is_postmulti_x_with_more(adopted):
    names = ("MAIL_CONFIG", "command_directory", "daemon_directory", "config_directory", "queue_directory", "data_directory",
             "multi_instance_name", "multi_instance_group", "multi_instance_enable", "PATH")
    show = ["sh", "-c", "for n in " + " ".join(names) + '; do eval "echo $n=\\$$n"; done']
    assert pmctl("exec", "--", *show).out == postmulti("-x", *show).stdout
    assert pmctl("exec", "-i", "out", "--", *show).out == postmulti("-i", "postfix-out", "-x", *show).stdout
    assert pmctl("exec", "-g", "mta", "-R", "--", *show).out == postmulti("-g", "mta", "-R", "-x", *show).stdout
    lines = pmctl("exec", "--parallel", "3", "--", "sh", "-c", "echo one; echo two >&2; exit 3")
    assert lines.code == FAILED
    assert sorted(lines.out.splitlines()) == sorted(
        f"{shown['id']}: {word}" for shown in status()["members"] for word in ("one", "two"))
    assert pmctl("exec", "-i", "nobody", "--", "true").code == NO_SUCH
    assert pmctl("exec", "--", "/no/such/program").code == FAILED
