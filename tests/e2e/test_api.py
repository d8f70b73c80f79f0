"""The control API itself, as monitoring systems and scripts in other languages meet it."""
import os
import subprocess

import pytest

from lab.border import MEMBERS
from lab.control import SOCKET, get, member, post, request

PROBLEM = "application/problem+json"


def assert_problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers.get_content_type() == PROBLEM
    assert answer.json["status"] == status
    assert answer.json["code"]


def test_health_answers(daemon):
    assert get("/v1/health").status == 200


def test_status_and_instances_tell_the_same(daemon):
    assert [shown["id"] for shown in get("/v1/status").json["members"]] == list(MEMBERS)
    one = get("/v1/instances/postfix-out")
    assert one.status == 200
    assert one.json["pid"] == member("postfix-out")["pid"]


@pytest.mark.parametrize("method, target, body, status", [
    ("GET", "/v1/no-such-route", None, 404),
    ("GET", "/v1/instances/no-such-instance", None, 404),
    ("DELETE", "/v1/status", None, 405),
    ("POST", "/v1/operations", b"{", 400),
    ("POST", "/v1/operations", b"[]", 400),
    ("POST", "/v1/operations", {"action": "explode", "select": {"all": True}}, 400),
    ("POST", "/v1/operations", {"action": "start"}, 400),
    ("POST", "/v1/operations", {"action": "start", "select": {"names": ["no-such-instance"]}}, 404),
], ids=["route", "instance", "method", "json", "no-object", "action", "no-selection", "unknown-name"])
def test_a_request_that_makes_no_sense_is_answered_with_a_problem(daemon, method, target, body, status):
    assert_problem(request(method, target, body), status)


def test_an_operation_is_accepted_at_once_and_can_be_followed(daemon):
    answer = post("/v1/operations", {"action": "restart", "select": {"names": ["out"]}})
    assert answer.status == 202
    location = answer.headers["Location"]
    assert location == f"/v1/operations/{answer.json['id']}"
    followed = get(f"{location}?wait=30s")
    assert followed.status == 200
    assert (followed.json["state"], followed.json["result"]) == ("finished", "succeeded")


def test_an_operation_can_be_waited_for(daemon):
    old = member("postfix-out")["pid"]
    answer = post("/v1/operations?wait=30s", {"action": "restart", "select": {"group": "mta"}})
    assert answer.status == 200
    assert answer.json["state"] == "finished"
    assert {part["id"]: part["result"] for part in answer.json["members"]} == {"postfix-out": "done", "postfix-in": "done"}
    assert member("postfix-out")["pid"] != old


def test_only_root_may_ask(daemon):
    """Twice: by the socket's mode, and by the daemon itself should somebody open the socket to all."""
    # A program of its own: nobody may not be able to read where this repository lies.
    program = f"""
import http.client, socket
def get(target):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect({SOCKET!r})
    connection.request("GET", target)
    return connection.getresponse().status
try:
    print(get("/v1/status"), get("/v1/health"))
except PermissionError:
    print("not permitted")
"""

    def as_nobody():
        return subprocess.run(["/usr/bin/python3", "-c", program], user="nobody", group="nogroup", extra_groups=[],
                              env={}, cwd="/", capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    assert as_nobody() == "not permitted"
    os.chmod(os.path.dirname(SOCKET), 0o755)
    os.chmod(SOCKET, 0o666)
    assert as_nobody() == "403 200"
