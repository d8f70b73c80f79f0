"""SMTP clients: of the ordinary kind, and of the kinds that a crash is hard on."""
import smtplib
import socket
import threading
import time
import uuid

from .processes import is_master, server_of
from .waiting import TooLate

SENDER = "sender@elsewhere.example"
RECIPIENT = "someone@example.com"


def new_id():
    return uuid.uuid4().hex


def message(ident, body="Hello"):
    return (f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: lab {ident}\r\n"
            f"Message-ID: <{ident}@lab.example>\r\nX-Lab-Id: {ident}\r\n\r\n{body}\r\n").encode()


def send(host="127.0.0.1", port=25, timeout=30):
    """Send one message, which must be accepted; returns its id."""
    ident = new_id()
    with smtplib.SMTP(host, port, "client.elsewhere.example", timeout) as client:
        client.sendmail(SENDER, [RECIPIENT], message(ident))
    return ident


def greeting(connection):
    """The first line that the server says, on a new connection. ConnectionError when it closes instead."""
    with connection.makefile("rb") as stream:
        line = stream.readline()
    if not line:
        raise ConnectionResetError("closed without a greeting")
    return line.decode("ascii", "replace").rstrip()


def wait_for_greeting(host="127.0.0.1", port=25, within=10, by=lambda connection: True):
    """Connect again and again, as fast as refusals come back, until somebody greets; returns when that was.

    by(connection) may refuse a greeting because of who gave it.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=0.25) as connection:
                greeting(connection)
                greeted = time.monotonic()
                accepted = by(connection)
                connection.sendall(b"QUIT\r\n")
                if accepted:
                    return greeted
        except OSError:
            time.sleep(0.001)   # nothing tells a client when somebody begins to listen
    raise TooLate(f"no greeting on port {port} within {within} s")


def served_by_another_master(than):
    """For wait_for_greeting. A process that served under the dead master may greet one more client before it notices."""
    def by(connection):
        server = server_of(connection)
        return server is not None and server.parent != than and is_master(server.parent)
    return by


class HeldSession:
    """An SMTP session that stops in the middle of DATA until finish()."""

    def __init__(self, host="127.0.0.1", port=25, to_data=True):
        self.id = new_id()
        self._client = smtplib.SMTP(host, port, "held.elsewhere.example", timeout=60)
        self._client.ehlo_or_helo_if_needed()
        if not to_data:
            return
        for code, text in (self._client.mail(SENDER), self._client.rcpt(RECIPIENT)):
            if code != 250:
                raise smtplib.SMTPResponseException(code, text)
        code, text = self._client.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPResponseException(code, text)
        self._head, self._rest = message(self.id, "first half\r\nsecond half").split(b"second", 1)
        self._client.send(self._head)

    def goes_on(self):
        """For a session that was not brought to DATA: whether the server still answers."""
        return self._client.noop()[0] == 250

    def quit(self):
        return self._client.quit()[0]

    def finish(self):
        """Send the rest and return the server's answer as (code, text)."""
        self._client.send(b"second" + self._rest + b".\r\n")
        answer = self._client.getreply()
        self._client.close()
        return answer


class Sender:
    """Sends `count` messages from a few threads, each message again until it is accepted, as a mail server would.

    `accepted` holds exactly the messages that were answered with 250. A message whose answer was lost is sent again under
    a new id and its old id forgotten: nobody promised anything about that one.
    """

    def __init__(self, count, threads=4, host="127.0.0.1", port=25, within=120):
        self._remaining = iter(range(count))
        self._take = threading.Lock()
        self._address = (host, port)
        self._deadline = time.monotonic() + within
        self.accepted = []
        self.refused = 0
        self._threads = [threading.Thread(target=self._run, name=f"sender {n}", daemon=True) for n in range(threads)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def join(self):
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()) + 35)
            if thread.is_alive():
                raise AssertionError(f"{thread.name} hangs; {len(self.accepted)} messages accepted so far")
        return self.accepted

    @property
    def finished(self):
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self):
        while True:
            with self._take:
                if next(self._remaining, None) is None:
                    return
            self._send_until_accepted()

    def _send_until_accepted(self):
        while time.monotonic() < self._deadline:
            try:
                self.accepted.append(send(*self._address, timeout=10))
                return
            except (OSError, smtplib.SMTPException):
                self.refused += 1
                time.sleep(0.02)   # what every sender does: try again a little later
