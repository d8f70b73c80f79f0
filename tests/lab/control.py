"""postmultid as a process, pmctl as a command, and the API without pmctl in between."""
import http.client
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

from .border import REPOSITORY
from .waiting import TooLate, until

BUILD = Path(os.environ.get("POSTMULTID_BUILD", REPOSITORY / "build"))
POSTMULTID = BUILD / "daemon/postmultid"
PMCTL = BUILD / "ctl/pmctl"
SOCKET = "/run/postmultid/control.sock"


class Postmultid:
    """A running daemon. Its own words go to `log`, a file, so that a failed test can show them."""

    program = POSTMULTID

    def __init__(self, *arguments, log="/tmp/postmultid.log"):
        self._arguments = arguments
        self.log = Path(log)
        self.process = None

    def start(self):
        """Start it and wait until it answers; its members may still be starting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.program, *self._arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"postmultid ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                return get("/v1/health").status == 200
            except OSError:
                return False
        until(answers, within=20, what="postmultid answers on its socket")
        return self

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        """The crash of the daemon."""
        self.process.kill()
        self.process.wait()

    def stop(self, within=60):
        """The ordered stop of everything; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired as error:
            raise TooLate(f"postmultid still runs {within} s after SIGTERM:\n{self.log.read_text()}") from error


# ---------------------------------------------------------------------------------------------------- pmctl

class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err


def pmctl(*arguments, within=90, **options):
    done = subprocess.run([PMCTL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=within, check=False, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def status():
    """What `pmctl status -o json` prints, without the process."""
    return get("/v1/status").json


def member(ident):
    """One member of it."""
    return next(member for member in status()["members"] if member["id"] == ident)


def wait_for_state(ident, state, within=60):
    """Wait until the member is in that state and return it."""
    def reached():
        shown = member(ident)
        return shown if shown["state"] == state else None
    try:
        return until(reached, within, f"{ident} {state}")
    except TooLate as error:
        raise TooLate(f"{error}; it is {json.dumps(member(ident), indent=1)}") from error


def wait_for_all_running(within=120):
    def all_running():
        members = status()["members"]
        return members if members and all(member["state"] == "running" for member in members) else None
    try:
        return until(all_running, within, "all members running")
    except TooLate as error:
        states = {member["id"]: (member["state"], member["reason"]) for member in status()["members"]}
        raise TooLate(f"{error}: {states}") from error


def wait_for_restart(ident, old_pid, within=60):
    """Wait until the member runs with another master than the old one and return it."""
    def replaced():
        shown = member(ident)
        return shown if shown["state"] == "running" and shown["pid"] != old_pid else None
    try:
        return until(replaced, within, f"{ident} running with another master than {old_pid}")
    except TooLate as error:
        raise TooLate(f"{error}; it is {json.dumps(member(ident), indent=1)}") from error


# ---------------------------------------------------------------------------------------------------- the API

class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self):
        """Of a body that is one JSON document a line."""
        return [json.loads(line) for line in self.body.splitlines() if line]


class Connection(http.client.HTTPConnection):
    """To a Unix socket."""

    def __init__(self, path=SOCKET, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


try:
    from .contract import Contract
    _CONTRACT = Contract()
except ImportError:   # a private host without the libraries for it
    _CONTRACT = None


def request(method, target, body=None, path=SOCKET, timeout=60, headers=None):
    """One request on the control socket. A body that is not bytes is sent as JSON. The answer has to be as documented."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = Connection(path, timeout)
    try:
        kind = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, target, body, {**kind, **(headers or {})})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
    if _CONTRACT:
        _CONTRACT.judge_now_and_then(method, target, answer)
    return answer


def get(target, **options):
    return request("GET", target, **options)


def post(target, body, **options):
    return request("POST", target, body, **options)
