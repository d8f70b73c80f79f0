"""Members that fail over and over, and many members of which one fails: what others notice of that, and what it costs."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import smtp
from lab.border import postconf, start_masters
from lab.control import Postmultid, member, pmctl, status, wait_for_all_running, wait_for_state
from lab.definition import define
from lab.waiting import until

OK, TIMED_OUT = 0, 75


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def test_an_instance_that_crash_loops_fails_by_its_limit_and_costs_the_others_nothing(border):
    define("version: 1\ndefaults:\n  supervise: { restart_delay: 20ms, start_limit: 4, retry_failed: 1h }\n")
    start_masters()
    daemon = Postmultid().start()
    wait_for_all_running()
    others = {ident: pid for ident, pid in pids().items() if ident != "postfix-in"}
    masters = set()
    deadline = time.monotonic() + 60
    while member("postfix-in")["state"] != "failed":
        assert time.monotonic() < deadline
        shown = member("postfix-in")
        if shown["state"] == "running" and shown["pid"] not in masters:
            masters.add(shown["pid"])
            os.kill(shown["pid"], signal.SIGKILL)
    assert len(masters) == 1 + 4   # the first, and as many restarts as the limit allows
    shown = member("postfix-in")
    assert shown["restarts"] == 4 and "SIGKILL" in shown["reason"]["message"], shown
    assert shown["reason"]["next_action"] == "start" and shown["reason"]["next_at"]
    assert {ident: pid for ident, pid in pids().items() if ident != "postfix-in"} == others
    smtp.wait_for_greeting(port=10026)

    # It waits for an hour now: that must not be done by turning round and round. Somebody waits for it in vain meanwhile.
    before = cpu_seconds(daemon.pid)
    assert pmctl("wait", "--timeout", "3s", "postfix-in").code == TIMED_OUT
    assert cpu_seconds(daemon.pid) - before < 0.3
    assert pmctl("start", "postfix-in").code == OK
    assert member("postfix-in")["restarts"] == 4


COUNT = 30


@pytest.mark.time_limit(240)
def test_of_thirty_instances_in_a_group_one_that_fails_in_the_middle_holds_only_those_behind_it(border):
    idents = [f"postfix-n{number:02d}" for number in range(COUNT)]
    source = Path("/etc/postfix-out")
    for ident in idents:
        config, queue, data = Path(f"/etc/{ident}"), Path(f"/var/spool/{ident}"), Path(f"/var/lib/{ident}")
        # As postmulti -e create does it, faster.
        subprocess.run(["cp", "-a", source, config], check=True)
        queue.mkdir()
        data.mkdir()
        shutil.chown(data, "postfix")
        main_cf = (config / "main.cf").read_text()
        (config / "main.cf").write_text(main_cf.replace("/var/spool/postfix-out", str(queue))
                                        .replace("/var/lib/postfix-out", str(data)).replace("postfix-out", ident)
                                        + f"multi_instance_group = pool\nmaster_service_disable = inet\nsyslog_name = {ident}\n")
        os.utime(config / "main.cf", (1, 1))
    broken = idents[COUNT // 2]
    with open(f"/etc/{broken}/main.cf", "a", encoding="ascii") as main_cf:
        main_cf.write("max_idle = 5q\n")
    os.utime(f"/etc/{broken}/main.cf", (1, 1))
    postconf("-", "multi_instance_directories = " + " ".join(f"/etc/{ident}" for ident in
                                                             ["postfix-out", "postfix-in", *idents]))
    Postmultid().start()
    wait_for_state(broken, "failed", within=200)
    states = {shown["id"]: shown["state"] for shown in status()["members"]}
    half = COUNT // 2
    assert [states[ident] for ident in idents[:half]] == ["running"] * half
    assert [states[ident] for ident in idents[half + 1:]] == ["waiting"] * (COUNT - half - 1)
    assert states["postfix-in"] == "running"
    assert broken in member(idents[-1])["reason"]["message"]

    # What is mended goes on by itself, in order.
    main_cf = Path(f"/etc/{broken}/main.cf")
    main_cf.write_text(main_cf.read_text().replace("max_idle = 5q\n", ""))
    wait_for_all_running(within=200)
    starts = [match[1] for match in border.syslog.find(r"^(postfix-n\d+)/master\[\d+\]: daemon started")]
    assert starts == idents

    # A restart of the group: down in reverse, up in order.
    assert pmctl("restart", "-g", "pool", within=240).code == OK
    stops = [match[1] for match in border.syslog.find(r"^(postfix-n\d+)/master\[\d+\]: terminating on signal 15")]
    starts = [match[1] for match in border.syslog.find(r"^(postfix-n\d+)/master\[\d+\]: daemon started")]
    assert stops == list(reversed(idents))
    assert starts == idents * 2
    until(lambda: not [shown for shown in status()["members"] if shown["state"] != "running"], 30, "all run")
