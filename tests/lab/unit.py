"""postmultid.service as systemd sees it, in a booted system."""
import subprocess

from .control import Result

UNIT = "postmultid.service"


def run(*command, within=60):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def systemctl(verb, *options, within=60):
    return run("systemctl", verb, *options, UNIT, within=within)


def active_state():
    """inactive, activating, active, reloading, deactivating or failed."""
    return systemctl("is-active").out.strip()


def shown(name):
    """One property, as text."""
    return systemctl("show", f"--property={name}", "--value").out.strip()


def main_pid():
    return int(shown("MainPID"))
