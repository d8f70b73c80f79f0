"""What is logged in the private host, kept with the time it came in."""
import os
import re
import socket
import threading
import time
from typing import NamedTuple

from .waiting import TooLate


class Line(NamedTuple):
    at: float       # time.monotonic()
    text: str       # without priority and time stamp: "postfix-out/master[12]: daemon started …"


class Log:
    """Lines that a thread adds while others look for them. Who derives from it starts and stops that thread."""

    def __init__(self, copy_to=None):
        self.lines = []
        self._arrived = threading.Condition()   # its lock is re-entrant: find() is used while waiting
        self._copy = open(copy_to, "a", buffering=1, encoding="utf-8") if copy_to else None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _add(self, text):
        with self._arrived:
            self.lines.append(Line(time.monotonic(), text))
            self._arrived.notify_all()
        if self._copy:
            self._copy.write(text + "\n")

    def find(self, pattern):
        """The matches of a pattern in all lines so far, in order."""
        with self._arrived:
            return [match for line in self.lines if (match := re.search(pattern, line.text))]

    def wait_for(self, pattern, within, count=1):
        """Wait until `count` lines match the pattern and return the matches."""
        deadline = time.monotonic() + within
        with self._arrived:
            while len(found := self.find(pattern)) < count:
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TooLate(f"logged {len(found)} times instead of {count} within {within} s: {pattern}")
            return found


class Recorder(Log):
    """Syslog: listens on /dev/log from start() to stop()."""

    PATH = "/dev/log"
    # <priority>Mmm dd hh:mm:ss
    HEADER = re.compile(r"^<\d+>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?")

    def start(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.PATH)
        os.chmod(self.PATH, 0o666)
        threading.Thread(target=self._receive, name="syslog", daemon=True).start()

    def stop(self):
        # shutdown() wakes the receiving thread with an empty datagram; a mere close() would not.
        self._socket.shutdown(socket.SHUT_RDWR)
        os.unlink(self.PATH)

    def _receive(self):
        with self._socket:
            while datagram := self._socket.recv(64 * 1024):
                self._add(self.HEADER.sub("", datagram.decode("utf-8", "replace").rstrip("\0\n")))
