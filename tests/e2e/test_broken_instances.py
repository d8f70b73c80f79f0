"""One bad instance hurts only itself, and says what is wrong with it."""
import shutil
from pathlib import Path

import pytest

from lab import smtp
from lab.border import MEMBERS, postconf
from lab.control import Postmultid, pmctl, status, wait_for_state
from lab.waiting import until


def add_instance(name, queue_directory=None):
    """A secondary in no group, made by hand: postmulti would refuse to make a broken one."""
    directory = Path(f"/etc/{name}")
    shutil.copytree("/etc/postfix-out", directory)
    queue = queue_directory or f"/var/spool/{name}"
    data = f"/var/lib/{name}"
    main = (directory / "main.cf").read_text()
    main += (f"\nmulti_instance_name = {name}\nmulti_instance_group =\nqueue_directory = {queue}\n"
             f"data_directory = {data}\nmaster_service_disable = inet\n")
    (directory / "main.cf").write_text(main)
    for made, owner in ((queue, "root"), (data, "postfix")):
        Path(made).mkdir(exist_ok=True)
        shutil.chown(made, owner)
    return directory


def register(directory):
    postconf("-", f"multi_instance_directories = {directory} /etc/postfix-out /etc/postfix-in")


def failed_member(directory):
    """The member of that configuration directory, once it has failed. Its id may be its name or the directory."""
    def failed():
        return next((member for member in status()["members"]
                     if member["config_directory"] == str(directory) and member["state"] == "failed"), None)
    return until(failed, within=30, what=f"the instance of {directory} failed")


def assert_the_others_pass_mail(border):
    for ident in MEMBERS:
        wait_for_state(ident, "running")
    border.sink.wait_for([smtp.send()], within=20)


def test_a_syntax_error_in_master_cf_is_shown_with_file_and_line(border):
    directory = add_instance("postfix-typo")
    lines = (directory / "master.cf").read_text().splitlines() + ["submission inet n - y - smtpd"]
    (directory / "master.cf").write_text("\n".join(lines) + "\n")
    register(directory)
    Postmultid().start()
    reason = failed_member(directory)["reason"]
    assert f"{directory}/master.cf:{len(lines)}" in reason["message"]
    assert f"{directory}/master.cf:{len(lines)}" in pmctl("status").text
    assert_the_others_pass_mail(border)


def test_a_missing_configuration_directory_is_shown(border):
    register("/etc/postfix-gone")
    Postmultid().start()
    assert "/etc/postfix-gone" in failed_member("/etc/postfix-gone")["reason"]["message"]
    assert_the_others_pass_mail(border)


def test_a_queue_directory_that_another_instance_has_is_shown(border):
    directory = add_instance("postfix-twin", queue_directory="/var/spool/postfix-out")
    # Listed last: the one that was there first keeps the queue.
    postconf("-", f"multi_instance_directories = /etc/postfix-out /etc/postfix-in {directory}")
    Postmultid().start()
    message = failed_member(directory)["reason"]["message"]
    assert f"{directory}/main.cf" in message
    assert "/var/spool/postfix-out" in message
    assert "postfix-out" in message
    assert_the_others_pass_mail(border)


def test_what_postconf_warns_about_is_not_taken_for_an_instance(border):
    with open("/etc/postfix/main.cf", "a", encoding="ascii") as main_cf:
        main_cf.write("mynetworks = 127.0.0.0/8\nmynetworks = 127.0.0.0/8\n")   # "overriding earlier entry"
    Postmultid().start()
    assert [member["id"] for member in status()["members"]] == list(MEMBERS)
    assert_the_others_pass_mail(border)


@pytest.mark.time_limit(180)
def test_a_crash_of_a_broken_instance_is_explained_and_hurts_nobody(daemon, border):
    """Broken while it ran, and then its master is killed: it cannot come back."""
    import os
    import signal
    from lab.control import member
    with open("/etc/postfix-in/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write("submission inet n - y - smtpd\n")
    os.kill(member("postfix-in")["pid"], signal.SIGKILL)
    shown = wait_for_state("postfix-in", "failed")
    assert "/etc/postfix-in/master.cf:" in shown["reason"]["message"]
    assert member("postfix-out")["state"] == "running"
    assert member("-")["state"] == "running"
