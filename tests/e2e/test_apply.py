"""pmctl apply: what the definition says, in Postfix's files, on real instances; and what happens when something is in the way."""
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import smtp
from lab.border import EXAMPLE, REPOSITORY, WHOLE, Surroundings, postconf, start_masters
from lab.control import (
    Postmultid, get, member, pmctl, post, status, wait_for_all_running, wait_for_restart, wait_for_state)
from lab.definition import FILE, define
from lab.processes import masters
from lab.waiting import until
from test_fault_points import Mortal

OK, FAILED, REFUSED = 0, 1, 78
BY_HAND = REPOSITORY / "build/border-by-hand"
OUT, IN = Path("/etc/postfix-out"), Path("/etc/postfix-in")


def told(what):
    return [(event["instance"], event["message"]) for event in get("/v1/events?follow=no").lines if event["what"] == what]


def instance(main_cf, more="", name="postfix-out"):
    block = "".join(f"    {line}\n" for line in main_cf)
    return f"- name: {name}\n  main.cf: |\n    # as a test says\n{block}{more}"


def declare(main_cf, more="", name="postfix-out"):
    """A definition of one instance, in its group."""
    define(f"version: 1\ngroups:\n- name: mta\n  members: [postfix-out, postfix-in]\ninstances:\n"
           + instance(main_cf, more, name))


def value(directory, parameter):
    return subprocess.run(["postconf", "-c", directory, "-h", parameter], capture_output=True, text=True,
                          check=True).stdout.strip()


def files(*directories):
    """What must not change when nothing is to be done: text, time and inode of each file, tables too."""
    found = {}
    for directory in directories:
        for path in sorted(Path(directory).rglob("*")):
            if path.is_file():
                stat = path.stat()
                found[str(path)] = (path.read_bytes(), stat.st_mtime_ns, stat.st_ino, stat.st_mode, stat.st_uid)
    return found


EVERYTHING = ("/etc/postfix", "/etc/postfix-out", "/etc/postfix-in")


@pytest.mark.fresh_postfix
@pytest.mark.time_limit(420)
def test_the_whole_walk_through_is_one_file_and_one_command():
    shutil.copy(EXAMPLE / "filter", "/usr/local/sbin/border-filter")
    define(WHOLE.read_text())
    with Surroundings(log="/tmp/syslog", with_filter=False) as surroundings:
        Postmultid().start()
        planned = pmctl("apply", "--dry-run")
        assert planned.code == FAILED   # there are changes
        assert "create, edit, postmap, enable, start" in planned.out
        assert not OUT.exists()
        applied = pmctl("apply", within=180)
        assert applied.code == OK, applied.text
        wait_for_all_running()
        assert [shown["id"] for shown in status()["members"]] == ["-", "postfix-out", "filter", "postfix-in"]
        surroundings.sink.wait_for([smtp.send()], within=30)
        for name in ("postfix", "postfix-out", "postfix-in"):
            for option, kind in (("-n", "main"), ("-M", "master")):
                made = subprocess.run(["postconf", "-c", f"/etc/{name}", option], capture_output=True, text=True, check=True)
                by_hand = (BY_HAND / f"{name}.{kind}").read_text()
                assert sorted(made.stdout.splitlines()) == sorted(by_hand.splitlines()), name

        before = files(*EVERYTHING)
        assert pmctl("apply", "--dry-run").code == OK
        assert "Nothing to do" in pmctl("apply").out
        assert files(*EVERYTHING) == before

        test_phase = FILE.parent / "conf.d/test-phase.yaml"
        test_phase.parent.mkdir()
        shutil.copy(EXAMPLE / "conf.d/test-phase.yaml", test_phase)
        refused = pmctl("apply")
        assert refused.code == REFUSED and "--allow-restart" in refused.text
        assert files(*EVERYTHING) == before
        pid = member("postfix-in")["pid"]
        assert pmctl("apply", "--allow-restart").code == OK
        wait_for_restart("postfix-in", pid)
        assert (value(IN, "soft_bounce"), member("postfix-in")["listeners"]) == ("yes", ["127.0.0.1:25"])
        test_phase.unlink()
        assert pmctl("apply", "--allow-restart").code == OK
        assert (value(IN, "soft_bounce"), value(IN, "inet_interfaces")) == ("no", "all")
        assert {path: kept[0] for path, kept in files(*EVERYTHING).items()} == {
            path: kept[0] for path, kept in before.items()}


def test_a_plan_shows_each_change_hides_secrets_and_is_carried_out_exactly_or_not_at_all(adopted):
    postconf("postfix-out", "smtp_destination_concurrency_limit = 20")
    declare(["smtp_destination_concurrency_limit = 50", "ldap_bind_pw = s3cret", "relay_domains =",
             "  example.com,", "  # those below it, too", "  .example.com"],
            more="  master.cf: |\n    127.0.0.1:10027  inet  n  -  n  -  -  smtpd\n      -o { smtpd_banner = x  y }\n"
                 "  maps:\n    sasl_passwd: { secret: yes, text: 'hub user:s3cret' }\n"
                 "    policy: |\n      example.net secure\n")
    plan = pmctl("apply", "--dry-run")
    assert plan.code == FAILED
    assert "- smtp_destination_concurrency_limit = 20" in plan.out
    assert "+ smtp_destination_concurrency_limit = 50" in plan.out
    assert "+ example.net secure" in plan.out
    assert "relay_domains" not in plan.out           # written otherwise, and the same
    assert "s3cret" not in plan.text
    identity = plan.out.split("Plan ")[1].split(":")[0]
    assert pmctl("apply", "--plan", "0badcafe").code == REFUSED
    postconf("postfix-out", "smtp_destination_concurrency_limit = 21")
    outdated = pmctl("apply", "--plan", identity)
    assert outdated.code == REFUSED and "--dry-run" in outdated.text
    assert value(OUT, "smtp_destination_concurrency_limit") == "21"
    pid = member("postfix-out")["pid"]
    done = pmctl("apply")
    assert done.code == OK and "s3cret" not in done.text
    assert value(OUT, "smtp_destination_concurrency_limit") == "50"
    services = subprocess.run(["postconf", "-c", OUT, "-M"], capture_output=True, text=True, check=True).stdout
    assert "{smtpd_banner=x  y}" in services.replace(" = ", "=")
    assert (OUT / "sasl_passwd").stat().st_mode & 0o777 == 0o600
    assert (OUT / "sasl_passwd.db").stat().st_mode & 0o777 == 0o600
    assert member("postfix-out")["pid"] == pid       # reloaded, not restarted
    until(lambda: "127.0.0.1:10027" in member("postfix-out")["listeners"], 30, "the new service listens")
    log = Path("/tmp/postmultid.log").read_text()
    assert "s3cret" not in log and "s3cret" not in str(get("/v1/events?follow=no").lines)
    assert pmctl("apply", "--dry-run").code == OK


def test_what_not_everybody_may_read_is_not_shown_and_what_is_secret_gets_so(adopted):
    (OUT / "kept").write_text("hub user:s3cret\n")
    (OUT / "kept").chmod(0o640)
    elsewhere = Path("/srv/elsewhere")
    elsewhere.write_text("old x\n")
    (OUT / "linked").symlink_to(elsewhere)
    (OUT / "open").write_text("a b\n")
    with (OUT / "main.cf").open("a") as main_cf:   # postconf warns of it, with the value
        main_cf.writelines(f"lmtp_sasl_password_maps = static:{user}:s3cret\n" for user in ("one", "two"))
    Path("/srv/credentials").write_text("hub user:s3cret\n")
    Path("/srv/credentials").chmod(0o600)
    declare(["smtp_sasl_password_maps = inline:{ hub=user:s3cret }"],
            "  maps:\n    kept: |\n      hub user:t0psecret\n    linked: |\n      new x\n"
            "    open: { secret: yes, text: \"a b\\n\" }\n    from_file: { file: /srv/credentials }\n")
    shown = pmctl("apply", "--dry-run").text + pmctl("apply").text + Path("/tmp/postmultid.log").read_text()
    assert "s3cret" not in shown and "t0psecret" not in shown
    assert "overriding earlier entry: lmtp_sasl_password_maps" in shown
    assert "+ new x" in shown and "only its owner may read it" in shown
    assert ((OUT / "kept").read_text(), (OUT / "kept").stat().st_mode & 0o777) == ("hub user:t0psecret\n", 0o640)
    assert (OUT / "linked").is_symlink() and elsewhere.read_text() == "new x\n"
    assert {(OUT / name).stat().st_mode & 0o777 for name in ("open", "open.db", "from_file")} == {0o600}
    before = files(*EVERYTHING)
    assert pmctl("apply").code == OK and files(*EVERYTHING) == before
    # Nor is it in what Postfix or we complain of.
    for main_cf, more in ((["smtp_sasl_password_maps static:s3cret"], ""),
                          ([], "  master.cf: |\n    x unix - - q - - smtp -o smtp_sasl_password_maps=static:u:s3cret\n"),
                          ([], "  master.cf: |\n    x unix - - n - - smtp -o { smtp_sasl_password_maps = static:u:s3cret\n")):
        declare(main_cf, more)
        for refused in (pmctl("validate"), pmctl("apply")):
            assert refused.code == REFUSED and FILE.name in refused.text and "s3cret" not in refused.text, refused


def test_what_apply_would_refuse_in_the_middle_the_plan_refuses(adopted):
    before = files(*EVERYTHING)
    Path("/etc/postfix-half").mkdir()
    Path("/etc/postfix-half/main.cf").write_text("# somebody's\n")
    twin = instance(["biff = no"]) + instance(["biff = yes"], name="/etc/postfix-out")
    for text, words in (
            (instance(["biff = no"], name="postfix-half"), "would be lost: move it away"),
            (instance(["biff = no"], "  directories: { queue: /var/spool/postfix-in }\n", name="postfix-new"),
             "is in use already, by postfix-in"),
            (twin, f"declared at {FILE}:3:9 already"),
            (instance(["x = " + 140_000 * "y"]), "longer than 128 KiB"),
            (instance(["biff = no"], "  maps:\n    virtual: { from: [/usr/bin/printf, 'a\\0b'] }\n"), "has a NUL")):
        define("version: 1\ninstances:\n" + text)
        for command in (["apply", "--dry-run"], ["apply"]):
            refused = pmctl(*command)
            assert refused.code == REFUSED and words in refused.text, (text[:200], refused)
    assert files(*EVERYTHING) == before
    assert order() == "/etc/postfix-out /etc/postfix-in"
    # What Postfix would skip in a table is told before, with its place.
    define("version: 1\ninstances:\n" + instance([], "  maps:\n    virtual: |\n      a b\n      alone\n      a c\n"
                                                    "    odd: { type: regexp, text: '/^(/ x' }\n"))
    planned = pmctl("apply", "--dry-run").out
    assert f"{FILE}:9:7: " in planned and 'duplicate entry: "a"' in planned and f"{FILE}:11:" in planned, planned
    # Who is only in a group has a place in the order, too.
    define("version: 1\ngroups:\n- name: mta\n  members: [/etc/postfix-in, postfix-out]\n")
    assert pmctl("apply", "--dry-run").code == FAILED
    assert pmctl("apply").code == OK
    assert order() == "/etc/postfix-in /etc/postfix-out"


def order():
    return value("/etc/postfix", "multi_instance_directories")


def test_what_is_wrong_is_refused_with_its_place_and_nothing_is_changed(adopted):
    before = files(*EVERYTHING)
    for main_cf, more, words in (
            (["max_idle = 5q"], "", ["max_idle"]),
            (["inet_interfaces = 192.0.2.77"], "", ["192.0.2.77"]),
            ([], "  master.cf: |\n    smtp  inet  x  -  n  -  -  smtpd\n", [f"{FILE}:10:5"]),
            ([], "  maps:\n    virtual: { type: cdb, text: a b }\n  remove: {}\n", []),
            ([], "  maps:\n    virtual: { file: /nowhere }\n", [f"{FILE}:10:22", "/nowhere"]),
            ([], "  maps:\n    virtual: { from: [/bin/sh, -c, 'echo no such relay >&2; exit 3'] }\n", ["no such relay"]),
            ([], "  directories: { queue: /srv/elsewhere }\n", [f"{FILE}:9:25", "/var/spool/postfix-out"])):
        declare(main_cf, more)
        refused = pmctl("apply", "--allow-restart")
        if not words:
            # The type that is not there is made as the usual one, and that is said.
            assert refused.code == OK and "cdb" in pmctl("apply", "--dry-run").out
            assert (OUT / "virtual.db").exists() and not (OUT / "virtual.cdb").exists()
            (OUT / "virtual").unlink()
            (OUT / "virtual.db").unlink()
            before = files(*EVERYTHING)
            continue
        assert refused.code == REFUSED, (main_cf, more, refused)
        for word in words:
            assert word in refused.text
        assert files(*EVERYTHING) == before
    # A word that Postfix does not know is a warning with its place.
    declare(["smtp_destination_concurency_limit = 5"])
    assert f"{FILE}:9:5" in pmctl("apply", "--dry-run").out


def test_who_does_not_come_up_with_new_files_gets_the_old_ones_back_and_so_do_all_after_it(adopted):
    before = {path: kept[0] for path, kept in files(*EVERYTHING).items()}
    with Listening(10099):
        define("version: 1\ngroups:\n- name: mta\n  members: [postfix-out, postfix-in]\ninstances:\n"
               + instance(["biff = no"], "  master.cf: |\n    127.0.0.1:10099  inet  n  -  n  -  -  smtpd\n")
               + instance(["soft_bounce = yes"], "  maps:\n    virtual: a b\n", name="postfix-in"))
        failed = pmctl("apply")
    assert failed.code == FAILED
    assert "10099" in failed.out and "its files are the old ones" in failed.out
    assert "not-begun" in failed.out
    assert {path: kept[0] for path, kept in files(*EVERYTHING).items()} == before
    assert [shown["state"] for shown in status()["members"]] == ["running"] * 3
    assert told("apply-failed")


class Listening:
    def __init__(self, port):
        import socket
        self.socket = socket.create_server(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_rollback_goes_back_to_what_ran(adopted):
    declare(["soft_bounce = yes"])
    assert pmctl("apply").code == OK
    assert value(OUT, "soft_bounce") == "yes"
    planned = pmctl("rollback", "out", "--dry-run")
    assert planned.code == FAILED and "- soft_bounce = yes" in planned.out
    assert pmctl("rollback", "out").code == OK
    assert value(OUT, "soft_bounce") == "no"
    unknown = pmctl("rollback", "out", "--to", "19700101T000000.000")
    assert unknown.code == FAILED and "there are: 20" in unknown.text
    # An edit by hand that nothing starts with any more: the way back is to what ran.
    pid = member("postfix-out")["pid"]
    with (OUT / "master.cf").open("a", encoding="ascii") as master_cf:
        master_cf.write("submission inet n - y - smtpd\n")
    os.kill(pid, signal.SIGKILL)
    until(lambda: member("postfix-out")["state"] in ("failed", "running"), 60, "it has failed, or is back")
    assert pmctl("rollback", "out").code == OK
    wait_for_state("postfix-out", "running")
    assert "submission inet n - y - smtpd" not in (OUT / "master.cf").read_text()


def test_rollback_leaves_alone_which_instances_there_are(adopted):
    assert pmctl("restart", "-").code == OK
    assert pmctl("create", "postfix-bulk", "-G", "bulk").code == OK
    assert "no other files" in pmctl("rollback", "-", "--dry-run").text   # nothing but membership has changed
    postconf("-", "soft_bounce = yes")
    back = pmctl("rollback", "-")
    assert back.code == OK, back
    assert value("/etc/postfix", "soft_bounce") == "no"
    assert order() == "/etc/postfix-out /etc/postfix-in /etc/postfix-bulk"
    assert pmctl("destroy", "bulk").code == OK


def test_one_new_instance_that_does_not_come_up_is_not_there_any_more(adopted):
    with Listening(10099):
        define("version: 1\ninstances:\n" + instance(
            ["inet_interfaces = 127.0.0.1"], "  master.cf: |\n    127.0.0.1:10099  inet  n  -  n  -  -  smtpd\n", name="postfix-new"))
        planned = pmctl("apply", "--dry-run")
        assert "+ multi_instance_directories = /etc/postfix-out /etc/postfix-in /etc/postfix-new" in planned.out
        failed = pmctl("apply")
    assert failed.code == FAILED and "it is not there" in failed.out, failed
    # It is shown as long as a process of the master that could not start is there.
    until(lambda: [shown["id"] for shown in status()["members"]] == ["-", "postfix-out", "postfix-in"], 10, "it is gone")
    assert not list(Path("/").glob("*/*/postfix-new")) and not Path("/etc/postfix-new").exists()
    assert "pmctl apply makes it" in pmctl("status").out


def test_drift_is_told_and_so_is_its_end(adopted):
    declare(["smtpd_timeout = 1200s"])
    assert pmctl("apply").code == OK
    until(lambda: member("postfix-out")["drift"] is False, 40, "as declared")
    assert member("postfix-in")["drift"] is None
    postconf("postfix-out", "smtpd_timeout = 30s")
    until(lambda: member("postfix-out")["drift"], 40, "drift")
    assert "smtpd_timeout = 30s" in member("postfix-out")["drift_detail"]
    assert "smtpd_timeout" in pmctl("status", "postfix-out").out
    assert told("drift")
    postconf("postfix-out", "smtpd_timeout = 1200s")
    until(lambda: told("no-drift"), 40, "no drift any more")


def test_a_table_that_nobody_has_made_again_is_told(adopted):
    source = OUT / "transport"
    source.write_text("example.com :\n")
    subprocess.run(["postmap", f"hash:{source}"], check=True)
    postconf("postfix-out", "transport_maps = hash:${config_directory}/transport")
    hours = 3600
    os.utime(OUT / "transport.db", (time.time() - 2 * hours,) * 2)
    os.utime(source, (time.time() - hours,) * 2)
    until(lambda: member("postfix-out")["stale_tables"] == [f"hash:{source}"], 40, "it is stale")
    assert member("postfix-in")["stale_tables"] == []
    assert f"postmap hash:{source}" in pmctl("status").out
    assert told("stale-table")
    assert b'postmultid_instance_stale_maps{postfix_instance="postfix-out"} 1' in get("/metrics").body
    subprocess.run(["postmap", f"hash:{source}"], check=True)
    until(lambda: told("no-stale-table"), 40, "it is as new as its source")
    assert member("postfix-out")["stale_tables"] == []


@pytest.mark.time_limit(300)
def test_wherever_postconf_fails_the_files_of_each_instance_are_all_old_or_all_new(border):
    """postconf is Postfix's own but for one of its edits, which fails as on a host that is out of something."""
    commands, armed, called = Path("/run/commands"), Path("/run/armed"), Path("/run/called")
    commands.mkdir()
    for program in Path("/usr/sbin").glob("post*"):
        (commands / program.name).symlink_to(program)
    (commands / "postconf").unlink()
    (commands / "postconf").write_text(
        "#!/bin/sh\n"
        'case "$*" in */copy*|*/block*|*" -e "*) edits=yes ;; esac\n'
        f"if [ -n \"$edits\" ] && [ -e {armed} ]; then read which < {armed}\n"
        f"  turn=$(flock {called} sh -c 'echo edit >> {called}; wc -l < {called}')\n"
        "  if [ $turn -eq $which ]; then echo 'postconf: fatal: no room' >&2; exit 1; fi\nfi\n"
        "exec /usr/sbin/postconf \"$@\"\n")
    (commands / "postconf").chmod(0o755)
    start_masters()
    tail = f"daemon: {{ postfix_commands: {commands} }}\n"

    def wanted(banner):
        define("version: 1\ngroups:\n- name: mta\n  members: [postfix-out, postfix-in]\ninstances:\n"
               + instance([f"smtpd_banner = {banner}"], "  maps:\n    virtual: " + banner + " x\n")
               + instance([f"smtpd_banner = {banner}"], "  master.cf: |\n    127.0.0.1:10027 inet n - n - - smtpd\n"
                          f"      -o smtpd_banner={banner}\n", name="postfix-in") + tail)

    watched = (OUT / "main.cf", OUT / "virtual", IN / "main.cf", IN / "master.cf")

    def texts():
        return [path.read_text() for path in watched]
    wanted("old")
    Postmultid().start()
    wait_for_all_running()
    assert pmctl("apply").code == OK
    old, new, failures = texts(), None, 0
    for which in range(1, 100, 1 if os.environ.get("POSTMULTID_LONG") else 4):
        wanted("new")
        called.write_text("")
        armed.write_text(f"{which}\n")
        applied = pmctl("apply")
        armed.unlink()
        if applied.code == OK:   # it could do without that call
            new = new or texts()
            assert texts() == new, which
            if len(called.read_text().splitlines()) < which:
                break
            wanted("old")
            assert pmctl("apply").code == OK
            assert texts() == old
        else:
            failures += 1
            now = texts()
            assert "no room" in applied.text, (which, applied)
            assert now[:2] == old[:2] or "changed    postfix-out" in applied.text, (which, applied)
            assert now[2:] == old[2:], (which, applied)   # its turn comes last
            wanted("old")
            assert pmctl("apply").code == OK
            assert texts() == old
    assert failures > 2 and new and new[1] == "new x\n"
    assert value(IN, "smtpd_banner") == value(OUT, "smtpd_banner") == "new"
    assert pmctl("apply", "--dry-run").code == OK
    wait_for_all_running()


def test_two_at_once_and_one_who_edits_by_hand(adopted):
    declare(["biff = no", "soft_bounce = yes"])
    running = [subprocess.Popen([os.environ.get("PMCTL", str(REPOSITORY / "build/ctl/pmctl")), "apply"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    outputs = [(process.communicate(timeout=90)[0], process.returncode) for process in running]
    assert sorted(code for _, code in outputs) in ([OK, OK], [OK, FAILED]), outputs
    assert value(OUT, "soft_bounce") == "yes"
    assert pmctl("apply", "--dry-run").code == OK


def old_or_new(path, old, new):
    assert path.read_text() in (old, new), path


@pytest.mark.time_limit(300)
def test_a_daemon_that_dies_in_the_middle_leaves_each_file_old_or_new_and_says_so(border):
    start_masters()
    old, new = ((OUT / "main.cf").read_text(), (IN / "main.cf").read_text()), None
    text = ("version: 1\ngroups:\n- name: mta\n  members: [postfix-out, postfix-in]\ninstances:\n"
            + instance(["soft_bounce = yes"], "  maps:\n    virtual: a b\n")
            + instance(["soft_bounce = yes"], name="postfix-in"))
    define(text)
    points = [(point, name) for point in ("apply-place", "apply-table", "apply-placed", "apply-effect")
              for name in ("postfix-out", "postfix-in") if (point, name) != ("apply-table", "postfix-in")]
    if not os.environ.get("POSTMULTID_LONG"):
        points = points[::2]   # half a minute each on a slow machine
    for point, name in points:
        running = Mortal(f"{point} {name}").start()
        wait_for_all_running()
        pmctl("apply", within=30)
        until(lambda: running.dead, 30, f"dead at {point} {name}")
        texts = ((OUT / "main.cf").read_text(), (IN / "main.cf").read_text())
        after = Postmultid().start()
        wait_for_all_running()
        assert "cut short" in pmctl("status").out
        done = pmctl("apply")
        assert done.code == OK, done.text
        assert "cut short" not in pmctl("status").out
        assert pmctl("apply", "--dry-run").code == OK
        new = new or ((OUT / "main.cf").read_text(), (IN / "main.cf").read_text())
        assert new == ((OUT / "main.cf").read_text(), (IN / "main.cf").read_text())
        assert all(text in (was, then) for text, was, then in zip(texts, old, new))
        define(text.replace("    soft_bounce = yes\n", ""))
        assert pmctl("apply").code == OK   # back to where it was
        old = ((OUT / "main.cf").read_text(), (IN / "main.cf").read_text())
        for table in ("virtual", "virtual.db"):
            (OUT / table).unlink()
        define(text)
        after.kill()
    assert len(masters()) == 3


@pytest.mark.time_limit(300)
def test_killed_at_random_moments_no_file_is_ever_a_mixture(border):
    rounds = 50 if os.environ.get("POSTMULTID_LONG") else 8
    start_masters()
    chance = random.Random(7)
    variants = []
    for variant in ("a", "b"):
        variants.append("version: 1\ngroups:\n- name: mta\n  members: [postfix-out, postfix-in]\ninstances:\n"
                        + instance([f"smtpd_banner = {variant} {'x' * 3000}"], f"  maps:\n    virtual: {variant} {variant}\n")
                        + instance([f"smtpd_banner = {variant} {'x' * 3000}"], name="postfix-in"))
    running = Postmultid().start()
    known = {}
    for variant in variants:
        define(variant)
        assert pmctl("apply").code == OK
        for path in (OUT / "main.cf", IN / "main.cf", OUT / "virtual"):
            known.setdefault(path, set()).add(path.read_text())
    for number in range(rounds):
        define(variants[number % 2])
        client = subprocess.Popen([REPOSITORY / "build/ctl/pmctl", "apply"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 1.5)   # any moment is meant, also one that nothing tells of
        whom = chance.choice(("daemon", "client"))
        if whom == "daemon":
            running.kill()
        client.kill()
        client.wait()
        for path, texts in known.items():
            assert path.read_text() in texts, (number, whom, path)
        if whom == "daemon":
            running = Postmultid().start()
        wait_for_all_running()
    define(variants[0])
    until(lambda: pmctl("apply").code == OK, 60, "an apply goes on with it")
    assert pmctl("apply", "--dry-run").code == OK
    assert sorted(process.pid for process in masters()) == sorted(shown["pid"] for shown in status()["members"])


def test_on_a_full_disk_nothing_is_changed_and_the_reason_is_said(border):
    start_masters()
    Path("/var/lib/postmultid").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/var/lib/postmultid"], check=True)
    Postmultid().start()
    wait_for_all_running()
    before = {path: kept[0] for path, kept in files(*EVERYTHING).items()}
    filler = Path("/var/lib/postmultid/filler")
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1k"], stderr=subprocess.DEVNULL, check=False)
    declare(["soft_bounce = yes"])
    failed = pmctl("apply")
    assert failed.code == FAILED and "No space left" in failed.text, failed
    assert {path: kept[0] for path, kept in files(*EVERYTHING).items()} == before
    filler.unlink()
    assert pmctl("apply").code == OK
    assert value(OUT, "soft_bounce") == "yes"
    assert post("/v1/definitions/plan", {}).json["id"] is None
