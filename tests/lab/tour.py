"""The quickstart's second half, inside a private host: the border mail server set up, supervised, and hurt.

Prints one line a step on stdout; what the steps themselves say goes to stderr, which is the quickstart's log.
"""
import os
import signal
import subprocess
import sys
import time

from . import border, definition, smtp
from .control import BUILD, PMCTL, Postmultid, member, pmctl, status, wait_for_all_running, wait_for_restart

MESSAGES = 200
ROUNDS = 4   # each of the three masters is killed once in a round


def duration(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


class Step:
    """Times a step and prints its line: `with Step("name") as step: … step.result = "what came out"`."""

    def __init__(self, name):
        self._name = name
        self.result = ""

    def __enter__(self):
        self._started = time.monotonic()
        return self

    def __exit__(self, failure, *_):
        if failure:
            print(f"  FAILED  {self._name}", flush=True)
        else:
            print(f"  ok  {self._name:28} {self.result:56} {duration(time.monotonic() - self._started):>8}", flush=True)


def set_up():
    """What a reader of the example does: the filter in its place, the definition in its own, and one command."""
    subprocess.run(["install", "-D", "-m", "755", border.EXAMPLE / "filter", "/usr/local/sbin/border-filter"], check=True)
    overlay = definition.FILE.parent / "conf.d/quick-retry.yaml"
    overlay.parent.mkdir(parents=True, exist_ok=True)
    overlay.write_text("defaults:\n  main.cf: |\n" + "".join(f"    {line}\n" for line in border.QUICK_RETRY))
    definition.define(border.WHOLE.read_text())


def apply():
    with Step("apply border-mail-server") as step:
        Postmultid(log=border.REPOSITORY / "build/quickstart.log").start()
        done = pmctl("apply", within=300)
        print(done.text, file=sys.stderr)
        assert done.code == 0, done.text
        step.result = "primary edited, 2 instances created, 3 maps built"


def start():
    wait_for_all_running()
    assert pmctl("stop", "-a").code == 0
    with Step("start in order") as step:
        assert pmctl("start", "-a").code == 0
        step.result = " > ".join(shown["id"] for shown in sorted(
            status()["members"], key=lambda shown: shown["state_changed_at"]))


def pass_one_message(surroundings):
    with Step("one message") as step:
        surroundings.sink.wait_for([smtp.send()], within=30)
        step.result = ":25 > filter > postfix-out > mail hub (sink), arrived"


def kill_one_master():
    with Step("kill -9 postfix-in") as step:
        old = member("postfix-in")["pid"]
        killed = time.monotonic()
        os.kill(old, signal.SIGKILL)
        serving = smtp.wait_for_greeting(by=smtp.served_by_another_master(than=old))
        step.result = f"serving again after {(serving - killed) * 1000:.0f} ms"
        wait_for_restart("postfix-in", old)
        pmctl("reset-failed", "postfix-in")


def crash_under_load(surroundings):
    with Step(f"{MESSAGES} messages, {ROUNDS * len(border.MEMBERS)} crashes") as step:
        before = set(surroundings.sink.arrived)
        sender = smtp.Sender(MESSAGES).start()
        for _ in range(ROUNDS):
            for ident in border.MEMBERS:
                old = member(ident)["pid"]
                os.kill(old, signal.SIGKILL)
                wait_for_restart(ident, old)
                pmctl("reset-failed", ident)   # as if long ago: who crashes often waits longer every time
        accepted = sender.join()
        surroundings.sink.wait_for(accepted, within=120, nudge=border.retry_now)
        arrived = set(surroundings.sink.arrived) - before
        lost = set(accepted) - arrived
        step.result = f"{len(accepted)} accepted, {len(accepted) - len(lost)} arrived, {len(lost)} lost"


def show_status():
    print("\n# pmctl status", flush=True)
    subprocess.run([PMCTL, "status"], check=False)


def stay():
    print("\nInside now; `exit` removes it all. Try: pmctl status; kill -9 $(pmctl status postfix-in -o columns=pid);\n"
          "pmctl apply --dry-run; pmctl restart out; pmctl reload -a; pmctl stop -g mta; postfix -c /etc/postfix-out start; pmctl events", flush=True)
    # Our stderr is the log; the user's terminal is stdin and stdout.
    subprocess.run(["bash", "--norc", "-i"], stderr=sys.stdout, check=False,
                   env=os.environ | {"PATH": f"{BUILD}/ctl:{BUILD}/daemon:{os.environ['PATH']}:/usr/sbin:/sbin",
                                     "PS1": "[private host] # "})


def main():
    set_up()
    with border.Surroundings(with_filter=False, log=border.REPOSITORY / "build/quickstart.log") as surroundings:
        apply()
        start()
        pass_one_message(surroundings)
        kill_one_master()
        crash_under_load(surroundings)
        show_status()
        if "--shell" in sys.argv:
            stay()


if __name__ == "__main__":
    main()
