"""Instances come and go as with postmulti: the same files, but past a broken sibling, and never half of one, and never mail."""
import stat
import subprocess
from pathlib import Path

from lab.control import PMCTL, get, member, pmctl, status
from lab.waiting import until

OK, FAILED, USAGE, NOBODY, REFUSED = 0, 1, 2, 4, 78
PRIMARY = Path("/etc/postfix/main.cf")


def output_of(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def listed():
    return output_of("postconf", "-xh", "multi_instance_directories").split()


def ids():
    return [shown["id"] for shown in status()["members"]]


def done(*arguments):
    answer = pmctl(*arguments)
    assert answer.code == OK, answer
    return answer.out


def refused(why, *arguments, code=FAILED):
    answer = pmctl(*arguments)
    assert answer.code == code and why in answer.text, answer


def tree(*roots):
    """All that is there, with owner and mode, and the lines of the files: what postconf adds to one is in no order."""
    found = {}
    for path in sorted(each for root in roots for each in [Path(root), *Path(root).rglob("*")]):
        if not path.exists():
            continue
        facts = path.lstat()
        text = sorted(path.read_text(errors="replace").splitlines()) if stat.S_ISREG(facts.st_mode) else []
        found[str(path)] = (stat.filemode(facts.st_mode), facts.st_uid, facts.st_gid, *text)
    return found


def directories(name):
    return tuple(f"{above}/{name}" for above in ("/etc", "/var/spool", "/var/lib"))


def test_what_is_created_is_what_postmulti_creates_and_it_lives_and_goes(adopted):
    told = done("create", "postfix-x", "-G", "mta", "--before", "in")
    assert "disabled" in told and "/etc/postfix-x" in told
    # The very next look sees it.
    shown = member("postfix-x")
    assert (shown["state"], shown["enabled"], shown["group"]) == ("stopped", False, "mta")
    assert listed() == ["/etc/postfix-out", "/etc/postfix-x", "/etc/postfix-in"]
    subprocess.run(["postmulti", "-I", "postfix-y", "-G", "mta", "-e", "create"], check=True)
    ours, theirs = (str(tree(*directories(name))) for name in ("postfix-x", "postfix-y"))
    assert ours.replace("postfix-x", "postfix-y") == theirs

    refused("is that of /etc/postfix-x already", "create", "postfix-x", "config_directory=/etc/postfix-z")
    done("start", "x")
    refused("pmctl stop postfix-x", "destroy", "x")
    refused("pmctl stop postfix-x", "deport", "x")
    # It goes by its old name until it is down.
    assert "until it has been stopped" in done("assign", "x", "-I", "postfix-z")
    assert member("postfix-x")["state"] == "running"
    done("stop", "x")
    until(lambda: "postfix-z" in ids(), 20, "it is called by its new name")
    done("enable", "z")
    refused("pmctl disable postfix-z", "destroy", "z")
    done("disable", "z")

    queue = Path("/var/spool/postfix-x")
    waiting = [queue / "hold/4fXyZabc", queue / "maildrop/1234.567", queue / "deferred/A/ABCDEF"]
    for file in waiting:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mail")
    before = tree(*directories("postfix-x"), "/etc/postfix")
    refused("1 in maildrop, 1 in deferred, 1 in hold", "destroy", "z")
    assert tree(*directories("postfix-x"), "/etc/postfix") == before
    for file in waiting:
        file.unlink()
    Path("/etc/postfix-x/notes").write_text("whose?")
    told = done("destroy", "z")
    assert "left  /etc/postfix-x/notes\n" in told and told.count("left") == 1
    assert list(tree(*directories("postfix-x"))) == ["/etc/postfix-x", "/etc/postfix-x/notes"]
    assert listed() == ["/etc/postfix-out", "/etc/postfix-in", "/etc/postfix-y"]
    assert "postfix-z" not in ids()
    told = [event["what"] for event in get("/v1/events?follow=no&kind=configuration").lines]
    assert {"created", "assigned", "destroyed"} <= set(told)


def test_one_is_taken_off_the_list_and_on_it_again_and_what_cannot_be_is_refused_first(adopted):
    done("stop", "in")
    done("disable", "in")
    before = tree("/etc/postfix-in", "/var/spool/postfix-in/active")
    done("deport", "in")
    assert (listed(), ids()) == (["/etc/postfix-out"], ["-", "postfix-out"])
    assert output_of("postconf", "-h", "alternate_config_directories").strip() == "/etc/postfix-in"
    refused("pmctl create makes one", "import", "/etc/postfix-none")
    refused("is that of /etc/postfix-out", "import", "/etc/postfix-in", "-I", "postfix-out")
    done("import", "/etc/postfix-in", "--first")
    assert tree("/etc/postfix-in", "/var/spool/postfix-in/active") == before
    assert listed() == ["/etc/postfix-in", "/etc/postfix-out"]
    assert output_of("postconf", "-h", "alternate_config_directories").strip() == ""
    done("assign", "in", "-I", "-", "-G", "edge")
    shown = member("/etc/postfix-in")
    assert (shown["name"], shown["group"], shown["state"]) == ("", "edge", "stopped")
    assert "nothing to do" in done("assign", "/etc/postfix-in", "-G", "edge")
    assert "nothing to do" in done("init")

    roots = ("/etc/postfix", *directories("postfix-x"))
    before = tree(*roots)
    for why, *words in (
            ('"postfix-x"', "create", "x"),
            ("by postfix-out", "create", "postfix-x", "queue_directory=/var/spool/postfix-out"),
            ("by -", "create", "postfix-x", "data_directory=/etc/postfix"),
            ("nobody stands before the primary", "create", "postfix-x", "--before", "-"),
            ("the primary stays", "destroy", "-"),
            ("the primary stays", "deport", "-")):
        refused(why, *words)
    refused("no instance", "create", "postfix-x", "--after", "nobody", code=NOBODY)
    refused("can be given", "create", "postfix-x", "relayhost=x", code=USAGE)
    refused("postmulti needs it enabled", "disable", "-", code=REFUSED)
    assert tree(*roots) == before
    assert member("postfix-out")["state"] == "running"
    # postmulti could not even do this.
    Path("/etc/postfix-in/main.cf").unlink()
    done("deport", "/etc/postfix-in")
    assert listed() == ["/etc/postfix-out"]


def test_a_broken_sibling_is_in_nobodys_way_and_what_fails_in_the_middle_leaves_all_as_it_was(adopted):
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as file:
        file.write("broken inet\n")
    assert subprocess.run(["postmulti", "-l"], check=False, capture_output=True).returncode != 0
    done("create", "postfix-x", "--first")
    assert listed()[0] == "/etc/postfix-x"
    done("destroy", "x")
    assert tree(*directories("postfix-x")) == {}

    roots = ("/etc/postfix", "/etc/postfix-x", "/var/lib/postfix-x", "/srv")
    small = Path("/srv/small")
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=6", "tmpfs", small], check=True)
    before = tree(*roots)
    # Half of the queue's directories fit.
    refused("All is as it was", "create", "postfix-x", f"queue_directory={small}/deep/x")
    assert tree(*roots) == before
    # Half of an instance would be written over.
    Path("/etc/postfix-x").mkdir()
    Path("/etc/postfix-x/main.cf").write_text("# mine\n")
    refused("move it away", "create", "postfix-x")
    assert Path("/etc/postfix-x/main.cf").read_text() == "# mine\n"


def environment(*command):
    """What each instance's command has in its environment, but for names that concern the program that runs it."""
    text = output_of(*command, "bash", "-c", "printf '%s\\0' BEGIN; env -0")
    blocks = [dict(line.split("=", 1) for line in block.split("\0") if "=" in line) for block in text.split("BEGIN\0")[1:]]
    leaks = ("MAIL_LOGTAG", "POSTLOG_SERVICE", "POSTLOG_HOSTNAME", "_", "SHLVL")
    return [{name: value for name, value in block.items() if name not in leaks} for block in blocks]


def test_commands_run_and_instances_are_listed_as_by_postmulti():
    exec_, pm = [str(PMCTL), "exec"], ["postmulti"]
    assert environment(*exec_, "--") == environment(*pm, "-x")
    assert environment(*exec_, "-R", "-g", "mta", "--") == environment(*pm, "-R", "-g", "mta", "-x")
    for ours, theirs in (([], []), (["-R"], ["-R"]), (["-g", "mta"], ["-g", "mta"]), (["out"], ["-i", "out"]),
                         (["-"], ["-i", "-"]), (["/etc/postfix-in"], ["-i", "/etc/postfix-in"])):
        assert pmctl("list", "-l", *ours).out == output_of(*pm, "-l", *theirs)
    # Options of the command's are its own.
    assert output_of(*exec_, "out", "--", "sh", "-c", "echo $0 $1 $multi_instance_name; cat", "-a", "-g",
                     input="read on\n") == "-a -g postfix-out\nread on\n"
    # Two wait for each other: so they run at a time.
    meet = "touch /tmp/$multi_instance_name; until [ -e /tmp/postfix-in -a -e /tmp/postfix-out ]; do sleep .05; done; echo well; echo no >&2"
    both = pmctl("exec", "-g", "mta", "-P", "2", "--", "sh", "-c", meet)
    assert sorted(both.out.splitlines()) == ["postfix-in   well", "postfix-out  well"]
    assert sorted(both.err.splitlines()) == ["postfix-in   no", "postfix-out  no"]
    failed = pmctl("exec", "--prefix", "--", "sh", "-c", 'echo here; [ "$multi_instance_name" != postfix-out ] || kill -9 $$')
    assert failed.code == FAILED and failed.out.count("here") == 3, failed
    assert "postfix-out: killed by signal 9" in failed.err
    assert pmctl("exec", "nobody", "--", "true").code == NOBODY
    assert pmctl("exec", "out").code == USAGE
    # postmulti would do nothing for anybody.
    Path("/etc/postfix-in/main.cf").unlink()
    broken = pmctl("exec", "--", "sh", "-c", "echo $config_directory")
    assert (broken.code, broken.out) == (FAILED, "/etc/postfix\n/etc/postfix-out\n")
    assert "postfix-in" in broken.err
    assert "/etc/postfix-in" in pmctl("list", "-l").out
