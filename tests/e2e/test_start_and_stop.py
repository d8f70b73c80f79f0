"""Order, from what the masters themselves say in the log."""
import signal

from lab.border import MEMBERS
from lab.control import pmctl, status, wait_for_all_running, Postmultid
from lab.processes import listening_ports, postfix_processes


def test_members_start_in_order_and_stop_in_reverse_and_leave_nothing_behind(border):
    before = listening_ports()
    daemon = Postmultid().start()
    wait_for_all_running()
    border.syslog.wait_for(r"/master\[\d+\]: daemon started", within=5, count=3)
    assert border.start_order() == list(MEMBERS)

    assert daemon.stop() == 0
    border.syslog.wait_for(r"/master\[\d+\]: terminating on signal 15", within=5, count=3)
    assert border.stop_order() == list(reversed(MEMBERS))
    assert postfix_processes() == []
    assert listening_ports() == before


def test_an_impatient_second_sigterm_does_not_cut_the_ordered_stop_short(daemon):
    for _ in range(5):
        daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(60) == 0
    assert postfix_processes() == []


def test_status_lists_the_members_in_start_order_with_their_masters(daemon, border):
    shown = status()["members"]
    assert [member["id"] for member in shown] == list(MEMBERS)
    logged = [int(match[1]) for match in border.syslog.find(r"/master\[(\d+)\]: daemon started")]
    assert [member["pid"] for member in shown] == logged
    assert [member["group"] for member in shown] == ["", "mta", "mta"]
    assert "*:25" in shown[2]["listeners"]
    assert "127.0.0.1:10026" in shown[1]["listeners"]


def test_a_disabled_instance_is_not_started(border):
    import subprocess
    subprocess.run(["postmulti", "-i", "postfix-in", "-e", "disable"], check=True)
    Postmultid().start()
    pmctl("start", "postfix-out")
    shown = {member["id"]: member for member in status()["members"]}
    assert shown["postfix-out"]["state"] == "running"
    assert (shown["postfix-in"]["state"], shown["postfix-in"]["enabled"]) == ("stopped", False)
