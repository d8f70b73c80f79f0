"""Ways to start and stop that an operator asks for: beside what has failed, one by one, when what is under way is done."""
import time

import pytest

from lab import smtp
from lab.border import MEMBERS, postconf
from lab.control import Postmultid, get, member, pmctl, post, status, wait_for_state
from lab.processes import of_instance
from lab.waiting import until

OK, FAILED, USAGE = 0, 1, 2


def pids():
    return {shown["id"]: shown["pid"] for shown in status()["members"]}


def test_no_hold_starts_beside_a_member_that_has_failed(border):
    with open("/etc/postfix-out/master.cf", "a", encoding="ascii") as master_cf:
        master_cf.write("submission inet n - y - smtpd\n")
    Postmultid().start()
    wait_for_state("postfix-out", "failed")
    until(lambda: (member("postfix-in")["reason"] or {}).get("hint"), 30, "postfix-in is held")
    waiting = member("postfix-in")["reason"]
    assert "postfix-out" in waiting["message"]
    assert waiting["hint"] == "pmctl start --no-hold postfix-in"
    assert pmctl("start", "postfix-in").code == FAILED
    assert pmctl(*waiting["hint"].split()[1:]).code == OK
    assert member("postfix-in")["state"] == "running"
    assert member("postfix-out")["state"] == "failed"


def test_a_rolling_restart_takes_one_member_at_a_time(adopted):
    before = pids()
    assert pmctl("restart", "--rolling", "-a").code == OK
    after = pids()
    assert all(before[ident] != after[ident] for ident in MEMBERS)
    # Ready again before the next one is touched.
    happened = [(event["instance"], event["what"]) for event in get("/v1/events?follow=no").lines
                if event["what"] in ("stopped", "running")]
    assert happened[-6:] == [(ident, what) for ident in MEMBERS for what in ("stopped", "running")]


def test_a_rolling_restart_ends_at_the_first_that_is_refused(adopted):
    before = pids()
    postconf("postfix-out", "max_idle = 5q")
    result = pmctl("restart", "--rolling", "-a")
    assert result.code != OK
    after = pids()
    assert {ident for ident in MEMBERS if before[ident] != after[ident]} == {"-"}
    assert "not begun: postfix-out was not restarted" in result.text


def test_a_drain_lets_a_session_finish_and_shows_what_it_waits_for(adopted):
    session = smtp.HeldSession(to_data=False)
    operation = pmctl("drain", "postfix-in", "--no-wait").out.strip()
    why = wait_for_state("postfix-in", "draining")["reason"]
    until(lambda: "1 smtpd" in member("postfix-in")["reason"]["message"], 10, "the session is counted")
    assert why["code"] == "draining"
    assert "1 smtpd" in get(f"/v1/operations/{operation}").json["members"][0]["message"]
    with pytest.raises(OSError):
        smtp.send(timeout=5)   # nothing new
    assert session.goes_on()
    assert member("postfix-in")["state"] == "draining"
    assert session.quit() == 221
    wait_for_state("postfix-in", "stopped", within=30)
    assert get(f"/v1/operations/{operation}").json["result"] == "succeeded"
    assert not of_instance("postfix-in")


def test_what_is_not_done_within_the_deadline_of_a_drain_is_ended(adopted):
    smtp.HeldSession()
    began = time.monotonic()
    assert pmctl("drain", "postfix-in", "--deadline", "2s").code == OK
    assert time.monotonic() - began < 30
    assert member("postfix-in")["state"] == "stopped"
    assert not of_instance("postfix-in")


def test_options_that_make_no_sense_are_refused_and_nothing_is_begun(adopted):
    before = get("/v1/operations").json
    for action, options in (("stop", {"hold": False}), ("reload", {"rolling": True}), ("stop", {"deadline": 5}),
                            ("drain", {"deadline": -1}), ("drain", {"deadline": 1e9}), ("drain", {"deadline": "5s"}),
                            ("start", {"hold": 0}), ("start", {"rolling": []}), ("start", {"held": True}), ("start", [])):
        answer = post("/v1/operations", {"action": action, "select": {"all": True}, "options": options})
        assert answer.status == 400, (action, options, answer)
    assert pmctl("stop", "--rolling", "-a").code == USAGE
    assert pmctl("drain", "--deadline", "5", "-a").code == USAGE
    assert get("/v1/operations").json == before
