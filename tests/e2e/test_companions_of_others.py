"""Companions that somebody else runs: they are awaited in their place, and neither started nor ended."""
import json
import socket
from contextlib import contextmanager

from lab.border import Filter, Surroundings
from lab.control import SOCKET, Postmultid, get, member, pmctl, wait_for_all_running, wait_for_state
from lab.definition import ORDER, define
from lab.processes import listening_ports
from lab.waiting import until

OK = 0


def companion_of_others(words):
    """A definition of the border mail server in which the content filter is somebody else's."""
    return ("version: 1\ngroups:\n- name: mta\n  members: [postfix-out, filter, postfix-in]\n"
            f"companions:\n- name: filter\n{words}")


AWAITED = '  ready: "tcp://127.0.0.1:10025"\n'


@contextmanager
def border_mail_server(definition):
    define(companion_of_others(definition))
    with Surroundings(log="/tmp/syslog", with_filter=False) as surroundings:
        surroundings.daemon = Postmultid().start()
        try:
            yield surroundings
        finally:
            print(surroundings.daemon.log.read_text())   # pytest shows it only for a test that failed


def order_of(what):
    return [event["instance"] for event in get("/v1/events?follow=no").lines if event["what"] == what]


def test_what_comes_after_it_waits_until_somebody_answers():
    with border_mail_server(AWAITED):
        wait_for_state("filter", "starting")
        held = wait_for_state("postfix-in", "waiting")
        assert held["reason"]["message"].startswith("waits for filter, which is starting")
        with Filter():
            wait_for_all_running()
            assert order_of("running") == list(ORDER)
            shown = member("filter")
            assert (shown["kind"], shown["pid"], shown["proof"], shown["processes"]) == ("companion", None, None, None)
            assert (shown["health"], shown["listeners"]) == ("ok", ["127.0.0.1:10025"])
            assert pmctl("status", "filter").code == OK


def test_nobody_answers_in_time_and_it_is_failed_until_somebody_does():
    with border_mail_server(AWAITED + "  supervise: { start_timeout: 1s }\n"):
        failed = wait_for_state("filter", "failed")
        assert "nobody answers at tcp://127.0.0.1:10025: Connection refused" in failed["reason"]["message"]
        assert "waits for filter, which is failed" in wait_for_state("postfix-in", "waiting")["reason"]["message"]
        assert member("filter")["restarts"] == 0
        with Filter():
            wait_for_all_running()


def test_when_it_ceases_to_answer_that_is_shown_and_nobody_else_is_touched():
    with border_mail_server(AWAITED):
        with Filter():
            before = {each["id"]: each["pid"] for each in wait_for_all_running()}
        lost = wait_for_state("filter", "failed")
        assert "tcp://127.0.0.1:10025 does not answer any more: Connection refused" in lost["reason"]["message"]
        assert {ident: member(ident)["pid"] for ident in ORDER} == before
        with Filter():
            assert {each["id"]: each["pid"] for each in wait_for_all_running()} == before


def test_a_stop_lets_go_of_it_in_its_turn_and_ends_nothing():
    with border_mail_server(AWAITED) as border, Filter():
        wait_for_all_running()
        assert pmctl("stop", "filter").code == OK
        assert member("filter")["state"] == "stopped"
        assert any("is let go" in event["message"] for event in get("/v1/events?follow=no").lines)
        assert 10025 in listening_ports()
        assert pmctl("start", "filter").code == OK
        assert pmctl("restart", "filter").code == OK
        assert pmctl("stop", "-a").code == OK
        assert order_of("stopped")[-4:] == list(reversed(ORDER))
        assert pmctl("start", "-a").code == OK
        assert border.daemon.stop() == 0
        assert 10025 in listening_ports()


def test_nobody_has_to_wait_for_an_answer_to_stop_what_waits_for_it():
    with border_mail_server(AWAITED) as border:
        wait_for_state("filter", "starting")
        assert pmctl("stop", "filter", within=10).code == OK
        assert member("filter")["state"] == "stopped"
        assert pmctl("start", "--no-wait", "filter").code == OK
        wait_for_state("filter", "starting")
        assert border.daemon.stop(within=30) == 0


def test_the_next_daemon_waits_for_it_again_and_leaves_those_alone_that_run():
    with border_mail_server(AWAITED) as border:
        with Filter():
            before = {each["id"]: each["pid"] for each in wait_for_all_running()}
            border.daemon.kill()
        border.daemon.start()
        wait_for_state("filter", "starting")
        until(lambda: {ident: member(ident)["pid"] for ident in ORDER} == before, 30, "all others are adopted")
        with Filter():
            wait_for_all_running()


def test_a_unit_on_a_host_without_systemd_is_failed_in_clear_words():
    with border_mail_server("  unit: spampd.service\n"):
        failed = wait_for_state("filter", "failed")
        assert failed["reason"]["message"] == "spampd.service: systemd does not run on this host"
        wait_for_state("postfix-in", "waiting")
        assert pmctl("stop", "filter").code == OK
        wait_for_state("filter", "stopped")


def ask_at_once(*actions):
    """Requests for the filter, each on a connection of its own, all sent before any is answered."""
    connections = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in actions]
    for connection in connections:
        connection.connect(SOCKET)
    for connection, action in zip(connections, actions):
        body = json.dumps({"action": action, "select": {"names": ["filter"]}})
        connection.sendall(f"POST /v1/operations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    for connection in connections:
        with connection:
            assert b" 202 " in connection.recv(1000)


def test_a_stop_in_any_moment_of_its_start_is_heeded():
    with border_mail_server(AWAITED):
        wait_for_state("filter", "starting")
        for number in range(60):
            ask_at_once(*(["stop", "start"] * (number % 4)), "start", "stop")
        assert pmctl("stop", "filter", within=10).code == OK
        assert member("filter")["state"] == "stopped"
