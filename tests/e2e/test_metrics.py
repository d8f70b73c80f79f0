"""What monitoring reads: the numbers of /metrics, and polls that cost nothing as long as nothing changes."""
import os
import re
import signal
import subprocess

import yaml

from lab.border import MEMBERS, REPOSITORY
from lab.control import get, member, pmctl, request, wait_for_restart, wait_for_state
from lab.waiting import until

LABELS = {"postfix_instance", "group", "kind", "state", "health", "check", "cause", "operation", "route", "code", "le",
          "reason", "version", "compiler", "config_directory", "queue_directory", "mail_version"}


def samples(text):
    """{(name, ((label, value), …)): number}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, number = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
            key = (name, tuple(sorted(pairs)))
            assert key not in found, line
            found[key] = float(number)
    return found


def metrics():
    return samples(get("/metrics").body.decode())


def value(name, **labels):
    return metrics().get((name, tuple(sorted(labels.items()))))


def test_metrics_are_what_prometheus_wants_and_follow_a_crash(adopted):
    answer = get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    checked = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

    found = samples(answer.body.decode())
    assert {label for _, labels in found for label, _ in labels} <= LABELS
    for ident in MEMBERS:
        states = {dict(labels)["state"]: number for (name, labels), number in found.items()
                  if name == "postmultid_instance_state" and dict(labels)["postfix_instance"] == ident}
        assert len(states) == 10
        assert [state for state, number in states.items() if number] == ["running"]
        until(lambda: value("postmultid_instance_check_up", postfix_instance=ident,   # pylint: disable=cell-var-from-loop
                            check="master") == 1, 20, f"{ident} has been looked at")
    assert value("postmultid_instances", state="running") == len(MEMBERS)
    assert value("postmultid_instance_restarts_total", postfix_instance="postfix-out") == 0

    old = member("postfix-out")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for_restart("postfix-out", old)
    assert value("postmultid_instance_restarts_total", postfix_instance="postfix-out") == 1
    # The OOM killer is asked about first.
    until(lambda: value("postmultid_instance_exits_total", postfix_instance="postfix-out", cause="signal") == 1, 20,
          "the end of the master is counted")

    assert pmctl("stop", "out").code == 0
    assert value("postmultid_instance_state", postfix_instance="postfix-out", state="stopped") == 1
    assert value("postmultid_instance_up", postfix_instance="postfix-out", group="mta") == 0
    assert value("postmultid_instance_desired_up", postfix_instance="postfix-out", group="mta") == 0
    assert value("postmultid_operations_total", operation="stop") == 1
    assert {name for name, _ in samples(pmctl("metrics").out)} >= {name for name, _ in found}


def test_requests_are_counted_by_route_and_not_by_what_clients_make_up(adopted):
    for target in ("/v1/instances/postfix-out", "/v1/instances/no-such", "/v1/nonsense", "/%7Bid%7D"):
        get(target)
    counted = {(dict(labels)["route"], dict(labels)["code"]): number for (name, labels), number in metrics().items()
               if name == "postmultid_api_requests_total"}
    assert counted["GET /v1/instances/{id}", "200"] == 1
    assert counted["GET /v1/instances/{id}", "404"] == 1
    assert counted["none", "404"] == 2
    known = yaml.safe_load((REPOSITORY / "docs/openapi.yaml").read_text(encoding="utf-8"))["paths"]
    assert {route.split()[-1] for route, _ in counted} <= {*known, "none"}
    until(lambda: value("postmultid_api_connections") == 1, 20, "only the connection that asks is open")


TARGETS = ("/v1/status", "/v1/instances", "/v1/instances/postfix-in", "/v1/groups", "/v1/groups/mta",
           "/v1/health?level=ready")


def conditional(target, tag, method="GET"):
    return request(method, target, headers={"If-None-Match": tag})


def test_what_a_client_has_already_is_not_sent_again(adopted):
    for target in TARGETS:
        for form in ("{}", "W/{}", '"other", {}', "*"):
            def not_modified():
                known = get(target)
                assert known.headers["Cache-Control"] == "no-cache"
                answer = conditional(target, form.format(known.headers["ETag"]))   # pylint: disable=cell-var-from-loop
                return answer if answer.status == 304 else None   # else something has changed between the two
            answer = until(not_modified, 20, f"304 for {target} with {form}")
            assert answer.body == b"" and answer.headers["ETag"] and answer.headers["Content-Length"] is None
        tag = get(target).headers["ETag"]
        assert conditional(target, tag, "HEAD").status in (200, 304)
        assert conditional(target, '"other"').status == 200

    before = get("/v1/instances/postfix-out").headers["ETag"]
    assert pmctl("stop", "out").code == 0
    changed = conditional("/v1/instances/postfix-out", before)
    assert (changed.status, changed.json["state"]) == (200, "stopped")
    assert changed.headers["ETag"] != before


def test_groups_are_shown_and_a_wrong_name_is_told_the_nearest(adopted):
    whole = get("/v1/status").json["groups"]
    assert get("/v1/groups").json == whole
    assert get("/v1/groups/mta").json == {"name": "mta", "up": 2, "wanted": 2, "members": ["postfix-out", "postfix-in"]}
    wrong = get("/v1/groups/mtx")
    assert (wrong.status, wrong.json["code"]) == (404, "no-such-group")
    assert '"mta"' in wrong.json["detail"]


def test_not_ready_is_no_answer_that_a_client_could_have_already(adopted):
    assert pmctl("stop", "out").code == 0
    assert get("/v1/health?level=ready").status == 200   # it is not wanted
    os.rename("/etc/postfix-out/master.cf", "/etc/postfix-out/master.cf.away")
    pmctl("start", "out")
    wait_for_state("postfix-out", "failed")
    answer = conditional("/v1/health?level=ready", "*")
    assert (answer.status, answer.json["missing"]) == (503, ["postfix-out"])
