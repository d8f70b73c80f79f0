"""The stream of events: what is one, how a client keeps up with it, and what becomes of one that does not."""
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.border import postconf
from lab.contract import EVENTS
from lab.control import Connection, Postmultid, get, member, post, wait_for_all_running, wait_for_restart
from lab.waiting import until


class Following:
    """A client that follows the stream; `within` is how long it waits for a line."""

    def __init__(self, target="/v1/events", within=30, **headers):
        self._connection = Connection(timeout=within)
        self._connection.request("GET", target, headers=headers)
        self._response = self._connection.getresponse()
        assert self._response.status == 200

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def line(self):
        line = self._response.readline()
        assert line, "the stream has ended"
        return line.decode().rstrip("\n")

    def until(self, wanted):
        """The events up to the first that is wanted, which is the last of them."""
        seen = []
        while not (seen and wanted(seen[-1])):
            if line := self.line():
                seen.append(json.loads(line))
        return seen


def wait_until_nothing_is_new():
    """The first look at each member is over, and told."""
    until(lambda: all(each["health"] == "ok" for each in get("/v1/instances").json), 30, "all are well")


def newest():
    return get("/v1/events?follow=no&last=1").lines[0]["number"]


def test_each_change_of_a_state_a_health_an_operation_and_the_configuration_is_an_event(adopted):
    wait_until_nothing_is_new()
    with Following(f"/v1/events?since={newest()}") as stream:
        old = member("postfix-in")["pid"]
        os.kill(old, signal.SIGKILL)
        seen = stream.until(lambda event: event["kind"] == "health" and event["to"] == "ok")
        assert {event["instance"] for event in seen} == {"postfix-in"}
        states = [(event["from"], event["to"]) for event in seen if event["kind"] == "state"]
        assert states[0][0] == states[-1][1] == "running" and len(states) > 1
        assert all(left[1] == entered[0] for left, entered in zip(states, states[1:]))
        assert ("ok", "unknown") in [(event["from"], event["to"]) for event in seen if event["kind"] == "health"]
        assert "died" in [event["what"] for event in seen if event["kind"] == "fact"]
        wait_for_restart("postfix-in", old)

        begun = post("/v1/operations", {"action": "reload", "select": {"names": ["in"]}}).json["id"]
        seen = stream.until(lambda event: event["what"] == "ended" and event["operation"] == begun)
        assert [event["what"] for event in seen if event["kind"] == "operation"] == ["begun", "concluded", "ended"]
        assert "reload of in, asked for by root" in seen[0]["message"]

        postconf("postfix-in", "max_idle = 99s")
        stream.until(lambda event: (event["kind"], event["what"], event["instance"]) ==
                     ("configuration", "edited", "postfix-in"))
        post("/v1/daemon/reread", None)
        stream.until(lambda event: (event["kind"], event["what"]) == ("configuration", "reread"))


def test_a_client_goes_on_where_it_was_and_is_told_what_it_has_missed(adopted):
    wait_until_nothing_is_new()
    last = newest()
    post("/v1/operations?wait=30s", {"action": "reset-failed", "select": {"all": True}})
    with Following(Accept=EVENTS, **{"Last-Event-ID": str(last)}) as stream:
        assert stream.line() == f"id: {last + 1}"
        assert stream.line() == "event: operation"
        assert stream.line().startswith("data: {")
        assert stream.line() == ""
    last = newest()
    adopted.kill()
    Postmultid().start()
    wait_for_all_running()
    first = get(f"/v1/events?follow=no&since={last}").lines
    assert first[0]["kind"] == "gap"
    assert first[1]["number"] == first[0]["number"] + 1
    assert get(f"/v1/events?follow=no&since={first[0]['number']}").lines[0] == first[1]


# The heartbeat comes after 15 s, and whoever takes nothing for 15 s is dropped: one test for both.
@pytest.mark.time_limit(120)
def test_who_does_not_read_is_dropped_and_never_waited_for_and_who_reads_hears_a_heartbeat(adopted):
    wait_until_nothing_is_new()
    with Following("/v1/events?since=0") as sleeping, Following("/v1/events?last=0&instance=out", Accept=EVENTS) as quiet:
        quiet_since = time.monotonic()
        number = newest()
        # More than the kernel keeps for him.
        # Each is answered when it is written down, which those that come together share.
        with ThreadPoolExecutor(16) as together:
            list(together.map(lambda _: post("/v1/operations", {"action": "reset-failed", "select": {"names": ["in", "-"]}}),
                              range(300)))
        assert newest() > number + 1500
        begun = time.monotonic()
        assert post("/v1/operations?wait=30s", {"action": "check", "select": {"names": ["in"]}}).json["result"] == "succeeded"
        assert time.monotonic() - begun < 15
        until(lambda: b"\npostmultid_event_subscribers 1\n" in get("/metrics").body, 40, "the one that sleeps is dropped")
        with pytest.raises(AssertionError, match="ended"):
            while True:
                sleeping.line()
        assert quiet.line() == ":" and quiet.line() == ""
        assert time.monotonic() - quiet_since < 30
