"""The control API itself, as monitoring systems and scripts in other languages meet it."""
import os
import socket
import subprocess

from lab.border import MEMBERS
from lab.control import SOCKET, get, member, post, request
from lab.processes import open_files
from lab.waiting import until

PROBLEM = "application/problem+json"


def assert_problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers.get_content_type() == PROBLEM
    assert answer.json["status"] == status
    assert answer.json["code"]


def test_health_answers(adopted):
    assert get("/v1/health").status == 200


def test_status_and_instances_tell_the_same(adopted):
    assert [shown["id"] for shown in get("/v1/status").json["members"]] == list(MEMBERS)
    one = get("/v1/instances/postfix-out")
    assert one.status == 200
    assert one.json["pid"] == member("postfix-out")["pid"]


# The cases of one test share a host: to make one and to start everything in it takes a hundred times as long as a case.
SENSELESS = (
    ("GET", "/v1/no-such-route", None, 404),
    ("GET", "/v1/instances/no-such-instance", None, 404),
    ("DELETE", "/v1/status", None, 405),
    ("POST", "/v1/operations", b"{", 400),
    ("POST", "/v1/operations", b"[]", 400),
    ("POST", "/v1/operations", {"action": "explode", "select": {"all": True}}, 400),
    ("POST", "/v1/operations", {"action": "start"}, 400),
    ("POST", "/v1/operations", {"action": "start", "select": {"names": ["no-such-instance"]}}, 404),
)


def test_a_request_that_makes_no_sense_is_answered_with_a_problem(adopted):
    for method, target, body, status in SENSELESS:
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


def test_only_root_may_ask(adopted):
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


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(SOCKET)
    return connection


def answer_to(data, end=False):
    """What comes back for these bytes until the daemon closes; empty if it only closes."""
    with connect() as connection:
        answer = b""
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass
        return answer


GARBAGE = (
    (b"\0" * 1000, b"400"),
    (os.urandom(4096) + b"\r\n\r\n", b"400"),
    (b"GET\r\n\r\n", b"400"),
    (b"GET /v1/status HTTP/9.9\r\n\r\n", b"400"),
    (b"GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET /v1/status HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
    (b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    (b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    (b"GET /v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
)


def test_garbage_is_answered_with_an_error(adopted):
    for data, status in GARBAGE:
        answer = answer_to(data)
        assert answer.startswith(b"HTTP/1.1 " + status), (data[:100], answer[:200])
        assert get("/v1/health").status == 200


def test_requests_that_are_half_sent_and_left_cost_nothing(adopted):
    get("/v1/status")
    before = open_files(adopted.pid)
    whole = b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{}"
    for length in range(0, len(whole)):
        answer_to(whole[:length], end=True)
    with connect() as waiting:   # ... and one that just goes away in the middle of an answer
        waiting.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert waiting.recv(10)
    until(lambda: open_files(adopted.pid) <= before + 1, 40, "all connections are closed")
    assert get("/v1/health").status == 200


def test_a_body_that_is_json_but_no_request_is_refused(adopted):
    for body in (b"", b"null", b"1e999", b'"' + b"a" * 1000, b"[" * 100_000, b'{"action":"start","select":{"names":[{}]}}',
                 b'{"action":"start","select":{"all":"yes"}}', b'{"action":1,"select":{}}', b"\xff\xfe{}",
                 b'{"action":"start","select":{"all":true},"more":1}'):
        assert_problem(request("POST", "/v1/operations", body), 400)
    assert get("/v1/status").status == 200
