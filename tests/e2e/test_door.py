"""Who is let in, what they may do, and what is on record of it; and what a crowd at the door can do: little."""
import contextlib
import http.client
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from lab.border import Surroundings, start_masters
from lab.control import (PMCTL, SOCKET, Postmultid, get, member, pmctl, post, request, status, wait_for_all_running,
                         wait_for_restart)
from lab.definition import define
from lab.processes import open_files
from lab.users import acting_as, add_group, add_user
from lab.waiting import TooLate, until

ROLES = """version: 1
daemon:
  roles:
    monitor: [away, nobody-has-this-name]
    viewer: ["@watchers"]
    operator: [oskar]
    admin: [ada]
"""
LISTEN = 'version: 1\ndaemon:\n  listen: "127.0.0.1:9780"\n'


@pytest.fixture
def host(border):
    """A border mail server that runs, and users: mona is in postmultid only, the others have what ROLES says."""
    for group in ("postmultid", "watchers"):
        add_group(group)
    for name, *groups in (("mona", "postmultid"), ("vera", "postmultid", "watchers"), ("oskar", "postmultid"),
                          ("ada", "postmultid"), ("nina", "postmultid"), ("away",), ("stranger",)):
        add_user(name, *groups)
    define(ROLES)
    start_masters()
    running = Postmultid().start()
    wait_for_all_running()
    yield running
    print(running.log.read_text())


def audit(daemon, *words):
    """The lines of the audit that have all these words; they are written a moment later than an answer."""
    return [line for line in daemon.log.read_text().splitlines()
            if "audit: " in line and all(word in line for word in words)]


def may(user):
    """The requests, one of each role, that are not denied to him."""
    requests = {
        "health": ("GET", "/v1/health"),
        "status": ("GET", "/v1/status"),
        "log": ("GET", "/v1/instances/postfix-out/log"),
        "operate": ("POST", "/v1/operations?wait=30s", {"action": "check", "select": {"names": ["out"]}}),
        "takeover": ("POST", "/v1/daemon/takeover", {"dry_run": True}),
        "reread": ("POST", "/v1/daemon/reread", {}),
    }
    with acting_as(user):
        return [name for name, asked in requests.items() if request(*asked).status != 403]


def test_each_may_do_what_his_role_says_and_it_is_on_record(host):
    assert may("mona") == ["health", "status"]
    assert may("vera") == ["health", "status", "log"]
    assert may("oskar") == ["health", "status", "log", "operate"]
    assert may("ada") == ["health", "status", "log", "operate", "takeover", "reread"]
    for outsider in ("away", "stranger"):
        with acting_as(outsider), pytest.raises(PermissionError):
            get("/v1/health")

    uid, pid = pwd.getpwnam("mona").pw_uid, os.getpid()
    with acting_as("mona"):
        refused = post("/v1/operations", {"action": "stop", "select": {"all": True}})
        for _ in range(20):
            get("/v1/instances/postfix-out/log")
    assert refused.json["code"] == "not-permitted"
    assert "needs the role operator; mona (uid" in refused.json["detail"]
    assert "has monitor" in refused.json["detail"] and "operator: [mona]" in refused.json["detail"]
    until(lambda: audit(host, "denied GET /v1/instances/{id}/log", "by mona"), 10, "the denial is on record")
    assert len(audit(host, "denied GET /v1/instances/{id}/log", "by mona")) == 1, "the same again is not told again"
    denial = audit(host, "denied POST /v1/operations", "by mona")[0]
    assert f"(uid {uid}, pid {pid}, " in denial and "needs the role operator, has monitor" in denial
    done = audit(host, "accepted POST /v1/operations", "by oskar")[0]
    assert ": op-" in done and '"action":"check"' in done
    assert audit(host, "accepted POST /v1/daemon/reread", "by ada")

    problems = status()["daemon"]["definition_problems"]
    assert any(p.startswith("/etc/postmultid/postmultid.yaml:4:15: away cannot connect") for p in problems), problems
    assert any("4:21: there is no user" in p for p in problems), problems

    # What pmctl makes of it.
    shutil.copy(PMCTL, "/tmp/pmctl")
    told = subprocess.run(["/tmp/pmctl", "stop", "out"], user="vera", group="vera", extra_groups=["postmultid"],
                          capture_output=True, text=True, check=False, timeout=30)
    assert told.returncode == 77 and "needs the role operator" in told.stderr, told

    # Roles follow the definition, which root changes; connections that were there before have the new ones.
    with acting_as("vera"), kept_open() as connection:
        assert ask(connection, "GET", "/v1/instances/postfix-out/log").status != 403
        os.seteuid(0)
        define("version: 1\n")
        assert post("/v1/daemon/reread", {}).status == 200
        assert ask(connection, "GET", "/v1/instances/postfix-out/log").status == 403
        assert ask(connection, "GET", "/v1/status").status == 200


@contextlib.contextmanager
def kept_open():
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect()
    try:
        yield connection
    finally:
        connection.close()


def ask(connection, method, target):
    connection.request(method, target)
    response = connection.getresponse()
    response.read()
    return response


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(SOCKET)
    return connection


def rest_of(connection):
    """What comes until the other end closes."""
    heard = b""
    try:
        while piece := connection.recv(65536):
            heard += piece
    except ConnectionResetError:
        pass
    return heard


def connected(count):
    return [connect() for _ in range(count)]


def close(connections):
    for connection in connections:
        connection.close()


def allow_many_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def test_a_crowd_is_told_so_and_root_gets_in(host):
    allow_many_files()
    with acting_as("mona"):
        crowd = connected(256)
        with connect() as one_more:
            assert rest_of(one_more).startswith(b"HTTP/1.1 429 "), "one user's share is used up"
    with acting_as("nina"):
        assert get("/v1/health").status == 200, "... which is nothing to others"
    for user in ("nina", "vera", "oskar"):
        with acting_as(user):
            crowd += connected(256)
    with acting_as("ada"), connect() as one_more:
        assert rest_of(one_more).startswith(b"HTTP/1.1 503 "), "all places are taken"
    begun = time.monotonic()
    assert pmctl("status").code == 0
    assert time.monotonic() - begun < 5
    assert get("/v1/status").status == 200
    close(crowd)
    with acting_as("ada"):
        until(lambda: get("/v1/health").status == 200, 20, "there is room again")


def test_root_gets_in_when_descriptors_run_out(host):
    get("/v1/health")
    resource.prlimit(host.pid, resource.RLIMIT_NOFILE, (open_files(host.pid) + 100,) * 2)
    with acting_as("mona"):
        crowd = connected(100)
    assert get("/v1/status").status == 200
    waiting = connected(150)   # ... root's own, too: who has been idle longest makes room
    assert pmctl("status").code == 0
    assert member("postfix-in")["state"] == "running"
    close(crowd + waiting)


def answers(data, end=True):
    with connect() as connection:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return rest_of(connection)


def test_requests_are_read_as_http_says(host):
    x = b"Host: x\r\n"
    pipelined = answers(b"GET /v1/health HTTP/1.1\r\n" + x + b"\r\nHEAD /v1/status HTTP/1.1\r\n" + x + b"\r\n"
                        b"GET /v1/nothing HTTP/1.1\r\n" + x + b"Connection: close\r\n\r\n")
    heads = [part.split(b"\r\n")[0] for part in pipelined.split(b"HTTP/1.1 ")[1:]]
    assert heads == [b"200 OK", b"200 OK", b"404 Not Found"]
    head = pipelined.split(b"HTTP/1.1 ")[2]
    assert b"Content-Length: " in head and head.endswith(b"\r\n\r\n"), "HEAD: no body"

    old = answers(b"GET /v1/health HTTP/1.0\r\n\r\n")
    assert old.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in old
    stream = answers(b"GET /v1/events?follow=no HTTP/1.0\r\n\r\n")
    assert b"chunked" not in stream and stream.rstrip().endswith(b"}")

    body = b'{"action":"check","select":{"names":["no-such"]}}'
    post_of = b"POST /v1/operations HTTP/1.1\r\n" + x + b"Connection: close\r\nContent-Length: %d\r\n" % len(body)
    with connect() as connection:
        connection.sendall(post_of + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert rest_of(connection).startswith(b"HTTP/1.1 404 ")
    assert answers(post_of + b"Expect: a miracle\r\n\r\n" + body).startswith(b"HTTP/1.1 417 ")
    with acting_as("mona"):   # who may not is not even asked for the rest
        assert answers(post_of + b"Expect: 100-continue\r\n\r\n", end=False).startswith(b"HTTP/1.1 403 ")

    # What is too much is refused while it still comes, and the answer arrives.
    long = b"X: " + b"y" * 9000 + b"\r\n\r\n"
    assert answers(b"GET /v1/health HTTP/1.1\r\n" + x + long).startswith(b"HTTP/1.1 431 ")
    for framing in (b"Content-Length: 4000000", b"Transfer-Encoding: chunked"):
        chunk = b"" if b"Length" in framing else b"3d0900\r\n"
        large = b"POST /v1/operations HTTP/1.1\r\n" + x + framing + b"\r\n\r\n" + chunk + b" " * 4_000_000
        assert answers(large).startswith(b"HTTP/1.1 413 "), framing


@pytest.mark.time_limit(90)
def test_who_is_too_slow_is_told_so(host):
    with connect() as slow, connect() as slow_body:
        slow.sendall(b"GET /v1/health HTTP/1.1\r\n")
        slow_body.sendall(b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert rest_of(slow).startswith(b"HTTP/1.1 408 ")
        assert rest_of(slow_body).startswith(b"HTTP/1.1 408 ")


EVENTS = b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"


def subscribed(count):
    connections = connected(count)
    for connection in connections:
        connection.sendall(EVENTS)
    for connection in connections:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connections


def test_one_user_has_so_many_subscribers(host):
    with acting_as("mona"):
        readers = subscribed(64)
        answer = get("/v1/events")
        assert answer.status == 429 and answer.headers["Retry-After"]
        assert answer.json["code"] == "too-many-subscribers"
    with acting_as("nina"):
        close(subscribed(1))
    close(readers)


def over_tcp(target, method="GET", name="127.0.0.1:9780"):
    connection = http.client.HTTPConnection("127.0.0.1", 9780, timeout=30)
    try:
        connection.putrequest(method, target, skip_host=True)
        if name:
            connection.putheader("Host", name)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def listens():
    try:
        return over_tcp("/v1/health") == 200
    except ConnectionError:   # refused, or reset in the moment in which it is closed
        return False


def test_the_loopback_listener_tells_little_and_only_by_its_own_name(adopted):
    assert not listens()
    with socket.create_server(("127.0.0.1", 9780)):
        define(LISTEN)
        post("/v1/daemon/reread", {})
        until(lambda: any("9780: Address already in use" in p for p in status()["daemon"]["problems"]), 20,
              "somebody else's port is a problem in the status")
        assert {m["state"] for m in status()["members"]} == {"running"}, "... and nothing else"
    until(listens, 30, "it is taken when it is free")
    until(lambda: not status()["daemon"]["problems"], 10, "the problem is gone")
    for name in ("localhost:9780", "[::1]:9780"):
        assert over_tcp("/v1/health", name=name) == 200
    for name in ("mail.example.com:9780", "127.0.0.1:9781", "127.0.0.1", "evil.example.com", ""):
        assert over_tcp("/v1/health", name=name) == 421, name
    assert over_tcp("/v1/health", "HEAD") == 200
    assert over_tcp("/v1/health", "POST") == 405
    for target in ("/v1/status", "/v1/events", "/v1/operations", "/v1/daemon/reread"):
        assert over_tcp(target) == over_tcp(target, "POST") == 404, target
    define("version: 1\n")
    post("/v1/daemon/reread", {})
    until(lambda: not listens(), 10, "it follows the definition")


# ---------------------------------------------------------------------------------------------------- a storm

LONG = bool(os.environ.get("POSTMULTID_LONG"))
IDLE, EACH, SUBSCRIBERS, BODY = (2000, 100, 200, 100_000_000) if LONG else (400, 20, 40, 8_000_000)
USERS = ("mona", "nina", "vera", "oskar", "ada")


def resident(pid):
    """In MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def recovery():
    """Seconds from SIGKILL to running again."""
    old = member("postfix-in")["pid"]
    begun = time.monotonic()
    os.kill(old, signal.SIGKILL)
    wait_for_restart("postfix-in", old)
    took = time.monotonic() - begun
    pmctl("reset-failed", "postfix-in")
    return took


class Storm:
    """All at once, spread over the users. Nothing here is waited for but by whoever sends a body."""

    def __init__(self):
        self.lost = 0
        self.connections = {kind: [] for kind in ("idle", "loris", "half", "pipelined", "readers", "deaf", "bodies")}
        self._senders = []

    def _connect(self, kind, count, say=b""):
        for number in range(count):
            with acting_as(USERS[number % len(USERS)]):
                connection = connect()
            try:
                connection.sendall(say)
            except OSError:   # sent away
                self.lost += 1
            if kind != "bodies":
                connection.setblocking(False)
            self.connections[kind].append(connection)

    def begin(self):
        self._connect("readers", SUBSCRIBERS // 2, EVENTS)
        self._connect("deaf", SUBSCRIBERS // 2, EVENTS)
        self._connect("loris", EACH, b"GET /v1/status HTTP/1.1\r\nX-")
        self._connect("half", EACH, b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        for connection in self.connections["half"]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        self._connect("pipelined", EACH, b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        self._connect("bodies", EACH // 10)
        for number, connection in enumerate(self.connections["bodies"]):
            chunked = number % 2
            sender = threading.Thread(target=self._send_body, args=(connection, chunked))
            sender.start()
            self._senders.append(sender)
        for _ in range(EACH):   # gone in the middle
            with acting_as("mona"):
                gone = connect()
            with contextlib.suppress(OSError):
                gone.sendall(b"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            gone.close()
        self._connect("idle", IDLE)

    @staticmethod
    def _send_body(connection, chunked):
        framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % BODY if chunked else b"Content-Length: %d\r\n\r\n" % BODY
        with contextlib.suppress(OSError):
            connection.sendall(b"POST /v1/operations HTTP/1.1\r\nHost: x\r\n" + framing)
            for _ in range(BODY // 1_000_000):
                connection.sendall(b" " * 1_000_000)

    def trickle(self):
        """One byte more of each slow request; who reads does."""
        for connection in self.connections["loris"]:
            with contextlib.suppress(OSError):
                connection.send(b"y")
        for connection in self.connections["readers"]:
            with contextlib.suppress(OSError):
                connection.recv(65536)

    def end(self):
        for connections in self.connections.values():
            close(connections)
        for sender in self._senders:
            sender.join()


@pytest.mark.time_limit(300 if LONG else 120)
def test_a_storm_at_the_door_costs_little_and_passes(host, capsys):
    allow_many_files()
    for file in (pmctl("status").code, get("/v1/status").status):
        assert file in (0, 200)
    calm, before, files = recovery(), resident(host.pid), open_files(host.pid)
    storm = Storm()
    storm.begin()
    asked, most, held = [], 0, open_files(host.pid) - files
    for _ in range(10):
        storm.trickle()
        begun = time.monotonic()
        assert pmctl("status").code == 0
        asked.append(time.monotonic() - begun)
        most = max(most, resident(host.pid))
    stormy = recovery()
    most = max(most, resident(host.pid))
    begun = time.monotonic()
    if LONG:   # nobody goes by himself
        try:
            until(lambda: storm.trickle() or open_files(host.pid) <= files + SUBSCRIBERS // 2 + 2, 90, "all are gone")
        except TooLate:
            print(open_files(host.pid), files)
            raise
    storm.end()
    until(lambda: open_files(host.pid) <= files + 2, 30, "all are gone")
    with capsys.disabled():
        print(f"\nstorm: {held} connections held, RSS {before:.1f} MiB before, {most:.1f} at most; pmctl status at most "
              f"{max(asked):.3f} s; SIGKILL to running {calm:.3f} s in calm, {stormy:.3f} s in the storm; gone after "
              f"{time.monotonic() - begun:.0f} s")
    assert most < 32
    assert max(asked) < (1 if LONG else 5)
    assert stormy < 3 * calm + 2
    assert get("/v1/status").status == 200
