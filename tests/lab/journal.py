"""The journal of a booted system, as a log that a test can wait on."""
import json
import subprocess
import threading

from .recorder import Log


class Journal(Log):
    """Everything from the boot to stop(), in the order in which journald took it."""

    def start(self):
        self._journalctl = subprocess.Popen(["journalctl", "--follow", "--no-tail", "--output=json"],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        threading.Thread(target=self._receive, name="journal", daemon=True).start()

    def stop(self):
        self._journalctl.terminate()
        self._journalctl.wait()

    def _receive(self):
        for line in self._journalctl.stdout:
            entry = json.loads(line)
            sender = entry.get("SYSLOG_IDENTIFIER", "")
            pid = entry.get("SYSLOG_PID") or entry.get("_PID", "")
            self._add(f"{sender}[{pid}]: {entry.get('MESSAGE')}")
