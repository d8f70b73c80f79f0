"""The mail hub behind the border server: takes everything and remembers what it took."""
import re
import threading
import time

from aiosmtpd.controller import Controller

from .waiting import TooLate


class Sink:
    """Listens on 127.0.0.1:2525; messages are known by the id that lab.smtp put into them."""

    def __init__(self, port=2525):
        self.refuse = False   # true: everything is answered with "try again later"
        self._ids = []
        self._arrived = threading.Condition()
        self._controller = Controller(self, hostname="127.0.0.1", port=port, server_hostname="mailhub.example.com")

    def start(self):
        self._controller.start()

    def stop(self):
        self._controller.stop()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return "451 4.3.0 Try again later"
        found = re.search(rb"^X-Lab-Id: (\S+)", envelope.original_content, re.MULTILINE)
        with self._arrived:
            self._ids.append(found[1].decode() if found else None)
            self._arrived.notify_all()
        return "250 2.0.0 Arrived"

    @property
    def arrived(self):
        """The ids of all messages taken so far, duplicates included."""
        with self._arrived:
            return list(self._ids)

    def wait_for(self, ids, within, nudge=lambda: None):
        """Wait until each of these has arrived at least once. nudge() is called about once a second meanwhile."""
        wanted = set(ids)
        deadline = time.monotonic() + within
        while missing := wanted.difference(self.arrived):
            if time.monotonic() > deadline:
                raise TooLate(f"{len(missing)} of {len(wanted)} messages missing after {within} s: {sorted(missing)[:5]}")
            with self._arrived:
                news = self._arrived.wait(min(1.0, max(0.0, deadline - time.monotonic())))
            if not news:
                nudge()
