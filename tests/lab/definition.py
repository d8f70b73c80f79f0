"""Definition files in a test: the border mail server's own, and what a test makes of it."""
from pathlib import Path

from .border import EXAMPLE

FILE = Path("/etc/postmultid/postmultid.yaml")
# Everything in start order, the filter in its place.
ORDER = ("-", "postfix-out", "filter", "postfix-in")


def border_definition():
    return (EXAMPLE / "postmultid.yaml").read_text()


def define(text=None):
    """Put a definition where the daemon looks for it; the border mail server's without an argument."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(border_definition() if text is None else text)


def supervise(*keys):
    """A definition that only says how all members are supervised."""
    define("version: 1\ndefaults:\n  supervise:\n" + "".join(f"    {key}\n" for key in keys))


def companion(command, name="filter", more=""):
    """A definition of the border mail server with this command as its content filter."""
    words = ", ".join(f'"{word}"' for word in command)
    return (f"version: 1\ngroups:\n- name: mta\n  members: [postfix-out, {name}, postfix-in]\n"
            f"companions:\n- name: {name}\n  command: [{words}]\n  ready: \"tcp://127.0.0.1:10025\"\n{more}")
