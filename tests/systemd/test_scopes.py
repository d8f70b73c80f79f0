"""Each member lives in a scope of its own, whatever happens to postmultid.service."""
import os
import re
from pathlib import Path

from lab import smtp
from lab.control import get, member, pmctl, wait_for_all_running, wait_for_restart
from lab.definition import FILE
from lab.processes import postfix_processes
from lab.unit import active_state, main_pid, run, systemctl
from lab.waiting import until

SCOPES = {"-": "postfix.scope", "postfix-out": "postfix-out.scope", "filter": "postmultid-filter.scope",
          "postfix-in": "postfix-in.scope"}
SLICE = "/system.slice/system-postfix.slice"


def scope_of(pid):
    return re.search(r"^0::(.*)$", Path(f"/proc/{pid}/cgroup").read_text(), re.MULTILINE)[1]


def shown(scope, name):
    return run("systemctl", "show", f"--property={name}", "--value", scope).out.strip()


def scopes_that_are_there():
    listed = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=scope").out
    return sorted({line.split()[0] for line in listed.splitlines()} & set(SCOPES.values()))


def pids():
    return {each["id"]: each["pid"] for each in wait_for_all_running()}


def another_daemon(than):
    until(lambda: main_pid() not in (0, than) and active_state() == "active", within=20, what="another daemon answers")


def test_each_member_has_a_scope_with_all_that_it_runs(members):
    assert {ident: scope_of(pid) for ident, pid in members.items()} == {
        ident: f"{SLICE}/{scope}" for ident, scope in SCOPES.items()}
    own = f"{SLICE}/postfix"
    assert {scope_of(process.pid).startswith(own) for process in postfix_processes()} == {True}
    for scope in SCOPES.values():
        assert shown(scope, "ActiveState") == "active"
        # The host goes down: we are stopped first, and stop them in order.
        assert "postmultid.service" in shown(scope, "Before").split()
    # Nothing is left in the unit but the daemon.
    assert shown("postmultid.service", "ControlGroup")
    procs = Path("/sys/fs/cgroup" + shown("postmultid.service", "ControlGroup"), "cgroup.procs").read_text().split()
    assert [int(pid) for pid in procs] == [main_pid()]


def test_the_unit_may_be_killed_whole_and_the_members_stay_where_they_are(members, mail_hub):
    before = {ident: scope_of(pid) for ident, pid in members.items()}
    killed = main_pid()
    systemctl("kill", "--signal=KILL")
    another_daemon(than=killed)
    assert pids() == members
    assert {ident: scope_of(pid) for ident, pid in members.items()} == before
    mail_hub.wait_for([smtp.send()], within=30)
    # It knows them again: what one has left is found by its cgroup, and the next one lives there, too.
    os.kill(members["postfix-in"], 9)
    wait_for_restart("postfix-in", members["postfix-in"])
    assert scope_of(member("postfix-in")["pid"]) == before["postfix-in"]


def test_a_stop_removes_the_scope_and_the_name_can_be_used_at_once(members):
    for _ in range(3):
        assert pmctl("restart", "postfix-out").code == 0
    assert scope_of(member("postfix-out")["pid"]) == f"{SLICE}/postfix-out.scope"
    assert pmctl("stop", "-a").code == 0
    until(lambda: scopes_that_are_there() == [], within=20, what="no scope is left")
    assert pmctl("start", "-a").code == 0
    assert scopes_that_are_there() == sorted(SCOPES.values())
    assert set(pids()) == set(members)
    assert systemctl("stop").code == 0
    until(lambda: scopes_that_are_there() == [], within=20, what="no scope is left")


def test_what_has_left_every_session_and_parent_is_found_by_its_scope(members):
    # As a command of pipe(8) might leave it behind: of another session, and nobody's child but ours.
    lost = run("setsid", "--fork", "sh", "-c",
               f"echo $$ >/sys/fs/cgroup{SLICE}/postfix-in.scope/cgroup.procs; echo $$ >/run/lost; "
               "exec sleep 600 >/dev/null 2>&1 </dev/null")
    assert lost.code == 0
    until(lambda: Path("/run/lost").exists() and Path("/run/lost").read_text().strip(), 20, "the lost one is there")
    pid = int(Path("/run/lost").read_text())
    assert scope_of(pid).endswith("/postfix-in.scope")
    assert pmctl("stop", "postfix-in", within=60).code == 0
    assert not Path(f"/proc/{pid}").exists()
    assert member("filter")["pid"] == members["filter"]


def test_limits_are_in_force_at_once_and_what_is_not_is_said(members):
    text = FILE.read_text()
    FILE.write_text(text + "defaults:\n  supervise: { tasks_max: 300, memory_max: 2G, cpu_weight: 200 }\n")
    assert pmctl("daemon", "reread").code == 0
    for scope in SCOPES.values():
        until(lambda scope=scope: (shown(scope, "MemoryMax"), shown(scope, "TasksMax"), shown(scope, "CPUWeight")) == (
            str(2 << 30), "300", "200"), 20, f"the limits of {scope}")
    assert pids() == members   # without a restart

    controllers = Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    lacking = [key for key, controller in (("memory_max", "memory"), ("tasks_max", "pids"), ("cpu_weight", "cpu"))
               if controller not in controllers]

    def limits():
        return [check for check in member("postfix-in")["checks"] if check["name"] == "limits"]
    if lacking:
        until(limits, 20, "it is said")
        for key in lacking:
            assert f"{key} is not in force" in limits()[0]["detail"]
        assert member("postfix-in")["health"] == "degraded"
        assert any(event["what"] == "limits-not-in-force" for event in get("/v1/events?follow=no").lines)

    # Also what is started from now on.
    assert pmctl("restart", "postfix-in").code == 0
    assert shown(SCOPES["postfix-in"], "TasksMax") == "300"

    FILE.write_text(text)
    assert pmctl("daemon", "reread").code == 0
    until(lambda: shown(SCOPES["postfix-in"], "TasksMax") == "infinity" and not limits(), 20, "no limit any more")
    assert member("postfix-in")["state"] == "running"


def test_what_it_uses_is_counted_where_the_kernel_counts(members):
    controllers = Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    until(lambda: member("postfix-in")["cpu_seconds"] is not None, 30, "it was counted")
    shown_as = member("postfix-in")
    assert (shown_as["memory_bytes"] is not None) == ("memory" in controllers)
    assert (shown_as["tasks"] is not None) == ("pids" in controllers)
    assert shown_as["cpu_seconds"] >= 0


def test_a_systemd_that_does_not_answer_costs_no_start(members):
    run("systemctl", "stop", "dbus.socket", "dbus.service")
    assert pmctl("restart", "postfix-in", within=60).code == 0
    assert member("postfix-in")["pid"] != members["postfix-in"]
    assert member("postfix-in")["state"] == "running"
