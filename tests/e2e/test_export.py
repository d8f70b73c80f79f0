"""pmctl export: a host as a definition that applies to it with no change, and makes the same on another one."""
import subprocess
from pathlib import Path

import pytest

from lab.border import start_masters
from lab.control import Postmultid, pmctl, wait_for_state
from lab.definition import FILE, define
from test_apply import files

OK = 0
NAMELESS = Path("/etc/mail-nameless")


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def a_host_with_everything():
    """As administrators have them: made by postmulti, edited by hand for years."""
    out, into = Path("/etc/postfix-out"), Path("/etc/postfix-in")
    (out / "sasl_passwd").write_text("hub user:s3cret\n")
    (out / "sasl_passwd").chmod(0o600)
    with (out / "main.cf").open("a") as main_cf:
        main_cf.write("# Ours: who may relay, and why.\nsmtpd_client_restrictions =\n    # the office\n    permit_mynetworks,\n"
                      "\n\tcheck_client_access cidr:/etc/postfix-out/office,\n  reject\n"
                      "smtp_sasl_password_maps = hash:${config_directory}/sasl_passwd\n#\n# A colon: and a \"quote\" # here\n")
    (out / "office").write_text("10.0.0.0/8 OK\n  # inside\n192.0.2.0/24\n    REJECT not here\n")
    run("postmap", "/etc/postfix-out/sasl_passwd")
    with (into / "master.cf").open("a") as master_cf:
        master_cf.write("# For users.\nsubmission inet n - n - - smtpd\n  -o { smtpd_client_restrictions = permit_mynetworks, reject }\n"
                        "  -o syslog_name=postfix-in/submission\n127.0.0.1:10587 inet n - n - 5 smtpd\n")
    run("postconf", "-c", into, "-MX", "uucp/unix")
    run("postmulti", "-G", "more", "-e", "create", f"config_directory={NAMELESS}", "queue_directory=/srv/nameless/queue",
        "data_directory=/srv/nameless/data")
    # Between those of another group.
    run("postconf", "-e", f"multi_instance_directories = {out} {NAMELESS} {into}")


@pytest.mark.time_limit(180)
def test_export_applies_with_no_change_and_makes_the_same_where_there_is_nothing(border):
    a_host_with_everything()
    start_masters()
    Postmultid().start()
    for ident in ("-", "postfix-out", "postfix-in"):
        wait_for_state(ident, "running")
    exported = pmctl("export")
    assert exported.code == OK, exported
    text = exported.out
    for kept in ("# Ours: who may relay, and why.", "        # the office", "    192.0.2.0/24", "# For users.",
                 "-o { smtpd_client_restrictions = permit_mynetworks, reject }", 'A colon: and a "quote" # here',
                 "enabled: no", f"name: {NAMELESS}", "queue: /srv/nameless/queue", "remove:"):
        assert kept in text, (kept, text)
    for left in ("s3cret", "multi_instance_name", "queue_directory =", "default_privs"):
        assert left not in text, (left, text)
    define(text)
    valid = pmctl("validate")
    assert valid.code == OK, valid
    before = files("/etc/postfix", "/etc/postfix-out", "/etc/postfix-in", NAMELESS)
    planned = pmctl("apply", "--dry-run")
    assert planned.code == OK, planned.text + text
    assert pmctl("apply").code == OK
    assert files("/etc/postfix", "/etc/postfix-out", "/etc/postfix-in", NAMELESS) == before
    assert pmctl("export").out == text

    # The same again, where it is not.
    shown = {name: subprocess.run(["postconf", "-c", f"/etc/{name}", option], capture_output=True, text=True, check=True).stdout
             for name in ("postfix-in",) for option in ("-n",)}
    assert pmctl("stop", "in").code == OK
    assert pmctl("disable", "in").code == OK
    assert pmctl("destroy", "in").code == OK
    again = pmctl("apply", within=120)
    assert again.code == OK, again
    for name, before_it in shown.items():
        now = subprocess.run(["postconf", "-c", f"/etc/{name}", "-n"], capture_output=True, text=True, check=True).stdout
        assert sorted(now.splitlines()) == sorted(before_it.splitlines())
    assert FILE.exists()
