"""The control API is what docs/openapi.yaml says: every operation of it is driven here, and every answer is judged by it.

That the document has every route and every problem code of the code is held by tests/unit/contract_test.cpp, and that it only
grows by tests/contract/only-grows. What other tests are answered is judged now and then as well (lab/control.py)."""
import contextlib
import os
import signal
from pathlib import Path

import pytest

from lab import control
from lab.border import postconf, start_masters
from lab.contract import EVENTS, METHODS, Contract, complain, validator
from lab.control import PMCTL, SOCKET, Postmultid, member, wait_for_all_running, wait_for_state
from lab.waiting import until

# What no test can bring about, and why.
OUT_OF_REACH = {
    ("POST", "/v1/operations", 410): "256 other operations would have to end between the end of one and its answer",
    ("POST", "/v1/daemon/reread", 503): "without the primary's directory the daemon does not even start",
    ("POST", "/v1/definitions/plan", 503): "the same",
    ("GET", "/v1/definitions/export", 503): "the same",
    ("POST", "/v1/definitions/apply", 503): "the same",
    ("POST", "/v1/definitions/rollback", 503): "the same",
    ("POST", "/v1/definitions/apply", 500): "only where postmultid itself is at fault",
    ("POST", "/v1/definitions/rollback", 500): "the same",
}


class Api:
    """Asks, and lets the contract judge each answer."""

    def __init__(self):
        self.contract = Contract()

    def __call__(self, method, target, body=None, status=200, code=None, **headers):
        answer = control.request(method, target, body, headers=headers)
        self.contract.judge(method, target, answer)
        assert answer.status == status, (method, target, answer.status, answer.body)
        assert code is None or answer.json["code"] == code, (method, target, answer.body)
        return answer

    def get(self, target, **expected):
        return self("GET", target, **expected)

    def post(self, target, body=None, **expected):
        return self("POST", target, body, **expected)


@pytest.fixture
def api():
    return Api()


@pytest.mark.time_limit(150)
def test_every_operation_answers_as_documented(border, api):
    start_masters()
    running = Postmultid("--pmctl", TOLD_PMCTL).start()
    wait_for_all_running()
    reads(api)
    operations(api)
    events(api)
    instances(api)
    daemon(api)
    definitions(api)
    management(api)
    no_such_thing(api)
    not_permitted(api)
    stopping(running, api)
    documented = {(each.method, each.path, int(status)) for each in api.contract.operations
                  for status in each.responses if status != "default"}
    answered = {kind[:3] for kind in api.contract.seen}
    # A document that has more than this test drives is to be driven as well, or to be excused above.
    assert documented - answered - OUT_OF_REACH.keys() == set()


def reads(api):
    for target in ("/v1/openapi.json", "/v1/status", "/v1/instances", "/v1/instances/out", "/v1/groups", "/v1/groups/mta",
                   "/v1/health?level=ready"):
        until(lambda: is_known_when_asked_again(api, target), 20, f"{target} stays as it is for a moment")
    api("HEAD", "/v1/status")
    api.get("/metrics")
    api.get("/v1/groups/mtta", status=404, code="no-such-group")
    api.get("/v1/instances/%2Fetc%2Fpostfix-out")
    api.get("/v1/instances/otu", status=404, code="no-such-instance")
    api.get("/v1/instances/nobody/log", status=404, code="no-such-instance")
    api.get("/v1/instances/in/log?lines=x", status=400, code="bad-request")
    api.get("/v1/instances/in/log", status=404, code="no-log")   # it logs to where nobody keeps it
    Path("/var/log/postfix-in.log").write_text("one line\n", encoding="ascii")
    postconf("postfix-in", "maillog_file = /var/log/postfix-in.log")
    until(lambda: control.get("/v1/instances/in/log").status == 200, 20, "it is known where it logs to")
    assert "one line" in api.get("/v1/instances/in/log").json["lines"]
    api.get("/v1/health")
    api.get("/v1/health?level=ready")
    api.get("/v1/health?level=high", status=400, code="bad-request")
    with without_masters():
        os.kill(member("postfix-in")["pid"], signal.SIGKILL)
        until(lambda: member("postfix-in")["state"] in ("backoff", "failed"), 20, "it cannot be started")
        api.get("/v1/health?level=ready", status=503)
        api.get("/v1/status")   # with a reason, an exit and failures
    wait_for_state("postfix-in", "running")


def is_known_when_asked_again(api, target):
    known = {"If-None-Match": api.get(target).headers["ETag"]}
    again = control.request("GET", target, headers=known)
    api.contract.judge("GET", target, again)
    return again.status == 304


@contextlib.contextmanager
def without_masters():
    """Nobody can be started."""
    master = Path("/usr/lib/postfix/sbin/master")
    master.rename("/usr/lib/postfix/sbin/away")
    try:
        yield
    finally:
        Path("/usr/lib/postfix/sbin/away").rename(master)


def operations(api):
    of_all = {"action": "reset-failed", "select": {"all": True}}
    done = api.post("/v1/operations?wait=30s", of_all)
    api.post("/v1/operations", {"action": "check", "select": {"names": ["-"]}}, status=202)
    assert api.post("/v1/operations", of_all | {"dry_run": True}).json["dry_run"]
    api.post("/v1/operations", b"{", status=400, code="bad-request")
    api.post("/v1/operations?wait=soon", of_all, status=400, code="bad-request")
    api.post("/v1/operations", of_all | {"select": {"names": ["nobody"]}}, status=404, code="no-such-instance")
    api.post("/v1/operations", of_all | {"select": {"group": "nobody"}}, status=404, code="no-such-group")
    one = f"/v1/operations/{done.json['id']}"
    assert done.headers["Location"] == one
    assert api.get(one).json["requested_by"] == {"pid": os.getpid(), "uid": 0, "name": "root"}
    assert api.get(one).json["select"] == {"all": True}
    api.get(one + "?wait=soon", status=400, code="bad-request")
    api.get("/v1/operations/op-0", status=404, code="no-such-operation")
    api("DELETE", one)
    api("DELETE", "/v1/operations/7", status=404, code="no-such-operation")
    api.get("/v1/operations")
    assert api.get("/v1/operations?state=running&instance=in").json == []
    assert api.get("/v1/operations?state=finished&instance=in").json[-1] == api.get(one).json
    api.get("/v1/operations?state=lost", status=400, code="bad-request")
    api.get("/v1/operations?instance=nobody", status=404, code="no-such-instance")


def events(api):
    lines = api.get("/v1/events?follow=no")
    assert {line["kind"] for line in lines.lines} >= {"fact", "state", "health", "operation", "configuration"}
    api.get("/v1/events?follow=no&kind=state&instance=in&last=2")
    sent = api("GET", "/v1/events?follow=no", Accept=EVENTS)
    assert sent.headers.get_content_type() == EVENTS
    assert api("GET", "/v1/events?follow=no", **{"Last-Event-ID": str(lines.lines[-2]["number"])}).lines[0] == lines.lines[-1]
    api.get("/v1/events?since=x", status=400, code="bad-request")
    api.get("/v1/events?instance=nobody", status=404, code="no-such-instance")


def daemon(api):
    api.post("/v1/daemon/reread")
    definition = Path("/etc/postmultid/postmultid.yaml")
    definition.parent.mkdir(exist_ok=True)
    definition.write_text("version: 1\ngrops: []\n", encoding="utf-8")
    api.post("/v1/daemon/reread", status=422, code="bad-definition")
    definition.unlink()
    api.post("/v1/daemon/log-level", {"level": "debug"})
    for wrong in ({"level": "loud"}, {"level": 7}, {"level": "info", "for": "1h"}, ["info"]):
        api.post("/v1/daemon/log-level", wrong, status=400, code="bad-request")


def definitions(api):
    definition = Path("/etc/postmultid/postmultid.yaml")

    def declare(line):
        definition.write_text(f"version: 1\ninstances:\n- name: postfix-in\n  main.cf: |\n    {line}\n", encoding="utf-8")
    api.get("/v1/definitions")
    assert "postfix-out" in api.get("/v1/definitions/export").body.decode()
    declare("soft_bounce = yes")
    assert api.post("/v1/definitions/plan").json["members"][0]["steps"] == ["edit", "reload"]
    api.post("/v1/definitions/plan", {"file": "x"}, status=400, code="bad-request")
    api.post("/v1/definitions/apply", {"plan": 7}, status=400, code="bad-request")
    api.post("/v1/definitions/apply", {"plan": "0badcafe"}, status=409, code="plan-outdated")
    assert api.post("/v1/definitions/apply").json["succeeded"]
    rolled = {"instance": "in"}
    api.post("/v1/definitions/rollback", rolled | {"dry_run": True})
    api.post("/v1/definitions/rollback", rolled)
    api.post("/v1/definitions/rollback", {}, status=400, code="bad-request")
    api.post("/v1/definitions/rollback", {"instance": "nobody"}, status=404, code="no-such-instance")
    api.post("/v1/definitions/rollback", rolled | {"version": "x"}, status=404, code="no-such-version")
    declare("inet_interfaces = 127.0.0.1")
    api.post("/v1/definitions/apply", status=409, code="restart-needed")
    api.post("/v1/definitions/apply", {"allow_restart": True})
    api.post("/v1/definitions/rollback", rolled, status=409, code="restart-needed")
    api.post("/v1/definitions/rollback", rolled | {"allow_restart": True})
    declare("max_idle = 5q")
    for what in ("plan", "apply"):
        api.post(f"/v1/definitions/{what}", status=422, code="bad-definition")
    kept = sorted(Path("/var/lib/postmultid/versions/etc/postfix-in").glob("2*"))[0]
    (kept / "main.cf").write_text("max_idle = 5q\n", encoding="ascii")
    api.post("/v1/definitions/rollback", rolled | {"version": kept.name}, status=422, code="bad-definition")
    definition.unlink()
    api.get("/v1/definitions")


def instances(api):
    def change(action, **more):
        return {"action": action} | more
    api.post("/v1/instances", change("init"))
    assert api.post("/v1/instances", change("deport", instance="in"), status=409, code="change-refused")
    assert api.post("/v1/instances", change("assign", instance="in", group="mta")).json["steps"] == []
    api.post("/v1/instances", change("destroy", instance="otu"), status=404, code="no-such-instance")
    for wrong in (b"[", [], {}, change("polish"), change("init", name="postfix-x"), change("create"), change("import"),
                  change("assign", instance="in"), change("deport"), change("destroy", instance=1),
                  change("create", name="postfix-x", first="yes"), change("create", name="postfix-x", before="in", first=True)):
        api.post("/v1/instances", wrong, status=400, code="bad-request")
    script, away = Path("/usr/lib/postfix/sbin/postmulti-script"), Path("/usr/lib/postfix/sbin/away")
    script.rename(away)
    try:
        api.post("/v1/instances", change("create", name="postfix-x"), status=500, code="change-failed")
    finally:
        away.rename(script)


# Where the daemon is told that pmctl is; at first it is not.
TOLD_PMCTL = "/tmp/pmctl"
MANAGEMENT = ("takeover", "handback", "wrapper/install", "wrapper/remove")


def management(api):
    dry_run = {"dry_run": True}
    for what in ("takeover", "wrapper/install"):
        api.post(f"/v1/daemon/{what}", dry_run, status=409, code="no-pmctl")
    Path(TOLD_PMCTL).symlink_to(PMCTL)
    for what in MANAGEMENT:
        api.post(f"/v1/daemon/{what}", dry_run)
        api.post(f"/v1/daemon/{what}", {"dry_run": 1}, status=400, code="bad-request")
    api.post("/v1/daemon/wrapper/polish", status=400, code="bad-request")
    postconf, away = Path("/usr/sbin/postconf"), Path("/usr/sbin/postconf.away")
    postconf.rename(away)
    postconf.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    postconf.chmod(0o755)
    for what in MANAGEMENT:
        api.post(f"/v1/daemon/{what}", dry_run, status=500, code="handover-failed")
    away.rename(postconf)


def no_such_thing(api):
    """A path or a method that is not documented is not there: as the daemon itself says."""
    api.get("/", status=404, code="no-such-route")
    api.get("/v1/statsu", status=404, code="no-such-route")
    api.get("/v1/instances/in/log/more", status=404, code="no-such-route")
    for path in api.contract.document["paths"]:
        documented = api.contract.methods(path)
        for method in {each.upper() for each in METHODS} - documented:
            answer = api(method, path.replace("{id}", "in").replace("{name}", "mta").replace("{wanted}", "install"), status=405,
                         code="method-not-allowed")
            assert set(answer.headers["Allow"].split(", ")) == documented


def not_permitted(api):
    os.chmod(os.path.dirname(SOCKET), 0o755)
    os.chmod(SOCKET, 0o666)
    os.seteuid(65534)   # the kernel tells who has connected as he was then
    try:
        for each in api.contract.operations:
            path = each.path.replace("{id}", "in").replace("{name}", "mta").replace("{wanted}", "install")
            if "403" in each.responses:
                api(each.method, path, status=403, code="not-permitted")
            else:
                api(each.method, path)
    finally:
        os.seteuid(0)


def stopping(running, api):
    held = member("-")["pid"]
    os.kill(held, signal.SIGSTOP)   # it heeds no SIGTERM
    running.process.send_signal(signal.SIGTERM)
    until(lambda: control.get("/v1/status").json["daemon"]["state"] == "stopping", 20, "it is stopping")
    api.get("/v1/status")
    api.post("/v1/operations", {"action": "start", "select": {"all": True}}, status=409, code="stopping")
    api.post("/v1/daemon/reread", status=409, code="stopping")
    api.post("/v1/instances", {"action": "init"}, status=409, code="stopping")
    for what in MANAGEMENT:
        api.post(f"/v1/daemon/{what}", status=409, code="stopping")
    api.post("/v1/definitions/apply", status=409, code="stopping")
    os.kill(held, signal.SIGCONT)
    assert running.process.wait(30) == 0


def test_every_example_in_the_document_is_one_of_what_it_says():
    contract = Contract()
    examples = [(f"{each.method} {each.path} {status} {name}", media["schema"], example["value"])
                for each in contract.operations for status, response in each.responses.items()
                for media in response.get("content", {}).values() for name, example in media.get("examples", {}).items()]
    examples += [(f"{path} {name}", media["schema"], example["value"])
                 for path, item in contract.document["paths"].items() for operation in item.values()
                 for media in operation.get("requestBody", {}).get("content", {}).values()
                 for name, example in media["examples"].items()]
    for what, schema, value in examples:
        complain(validator(schema), value, what)
    for each in contract.operations:
        for status, response in each.responses.items():
            assert all(media.get("examples") for media in response.get("content", {}).values()), (each.path, status)


def test_the_judge_notices_what_is_not_documented(adopted):
    """Else nothing above would mean anything."""
    contract = Contract()
    good = control.get("/v1/status")

    def changed(change, status=200):
        document = good.json
        change(document)
        return good._replace(status=status, body=control.json.dumps(document).encode())
    contract.judge("GET", "/v1/status", good)
    for spoilt in (changed(lambda it: it.update(more=1)),
                   changed(lambda it: it["members"][0].update(more=1)),
                   changed(lambda it: it["members"][0].pop("pid")),
                   changed(lambda it: it["members"][0].update(state="well")),
                   changed(lambda it: it["daemon"].update(pid="1")),
                   changed(lambda it: None, status=299)):
        with pytest.raises(AssertionError):
            contract.judge("GET", "/v1/status", spoilt)
    refused = control.get("/v1/instances/nobody")
    contract.judge("GET", "/v1/instances/nobody", refused)
    for code in ("no-log", "no-such-code"):
        with pytest.raises(AssertionError):
            body = control.json.dumps(refused.json | {"code": code, "type": f"urn:postmultid:problem:{code}"}).encode()
            contract.judge("GET", "/v1/instances/nobody", refused._replace(body=body))
    with pytest.raises(AssertionError):
        contract.judge("GET", "/v1/more", good)
