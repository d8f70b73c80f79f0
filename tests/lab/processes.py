"""What /proc tells about the processes of the private host."""
import os
import re
from pathlib import Path
from typing import NamedTuple

LISTEN = "0A"   # state in /proc/net/tcp


class Process(NamedTuple):
    pid: int
    parent: int
    session: int
    state: str
    command: str


def processes():
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue   # gone between the two looks
            # The command is in parentheses and may contain anything, so the fields after it are found from the right.
            command, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            found.append(Process(int(entry.name), int(fields[1]), int(fields[3]), fields[0], command))
    return found


def children(pid):
    return [process for process in processes() if process.parent == pid]


def zombies(parent):
    return [process for process in children(parent) if process.state == "Z"]


def executable(pid):
    return _link(f"/proc/{pid}/exe")


def _link(path):
    try:
        return os.readlink(path)
    except (FileNotFoundError, ProcessLookupError):
        return ""


def postfix_processes():
    """Everything that runs a program of Postfix's, zombies aside."""
    return [process for process in processes() if "/postfix/" in executable(process.pid)]


def of_instance(ident):
    """Those that stand in the queue directory that an instance of that name has by default."""
    queue = f"/var/spool/{ident}"
    return [process for process in postfix_processes() if _link(f"/proc/{process.pid}/cwd") == queue]


def is_master(pid):
    return executable(pid).endswith("/master")


def masters():
    """Masters that lead their session, as every serving one does."""
    return [process for process in postfix_processes()
            if process.command == "master" and process.session == process.pid]


def listening_ports():
    """TCP ports that somebody listens on, each as often as there are sockets."""
    ports = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTEN:
                ports.append(int(fields[1].rsplit(":", 1)[1], 16))
    return sorted(ports)


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    return int(re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


def server_of(connection):
    """The process at the other end of a TCP connection from this host to itself."""
    port = connection.getsockname()[1]
    peer_port = connection.getpeername()[1]
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            local, remote = (int(address.rsplit(":", 1)[1], 16) for address in fields[1:3])
            if (local, remote) == (peer_port, port):
                return next((process for process in processes() if _has_socket(process.pid, fields[9])), None)
    return None


def _has_socket(pid, inode):
    try:
        return any(os.readlink(entry.path) == f"socket:[{inode}]" for entry in os.scandir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return False
