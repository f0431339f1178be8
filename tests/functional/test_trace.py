"""W3C Trace Context: a traceparent goes with the request into the log of each tier."""

import json
import re

import pytest

from support.client import Client
from support.deployment import Gateway, Node
from support.rpc import RpcConnection, call, pull_request, ttheader
from support.wait import eventually
from support.wire import Connection, get

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def tiers(tmp_path):
    """A gateway and its node, which log everything as JSON."""
    options = ("--log-level", "debug", "--log-format", "json")
    node = Node(tmp_path / "node", *options).start()
    gateway = Gateway(tmp_path / "gateway", *options, nodes=[node]).start()
    yield gateway, node
    gateway.stop()
    node.stop()


def lines(running, message, count):
    """The events of the log with this message, once there are `count`; the probes of gateways left out."""

    def logged():
        whole = running.stderr.rpartition("\n")[0]
        events = [json.loads(line) for line in whole.splitlines()]
        found = [e for e in events if e["message"] == message and e.get("request_id") != "probe"]
        return found if len(found) >= count else None

    return eventually(logged, f"{count} lines of the log with {message!r}")


def test_both_tiers_log_the_trace_beside_the_request_id(tiers, client_of, chat):
    gateway, node = tiers
    client_of(gateway).send(chat)
    answer = client_of(gateway).try_send(chat, headers={"traceparent": TRACEPARENT, "X-Request-Id": "mine"})
    assert answer.status_code == 200
    client_of(gateway).get("/api/pull", params={"chat": chat}, headers={"traceparent": TRACEPARENT})
    untraced, send, pull = lines(gateway, "request", 3)
    assert "trace_id" not in untraced
    assert (send["trace_id"], send["request_id"]) == (TRACE, "mine")
    assert pull["trace_id"] == TRACE
    untraced, send, pull = lines(node, "call", 3)
    assert "trace_id" not in untraced
    assert (send["method"], send["trace_id"], send["request_id"]) == ("Send", TRACE, "mine")
    assert (pull["method"], pull["trace_id"]) == ("Pull", TRACE)


@pytest.mark.parametrize(
    "headers",
    [
        ["traceparent: 00-nonsense"],
        [f"traceparent: 00-{'0' * 32}-00f067aa0ba902b7-01"],
        [f"traceparent: ff-{TRACE}-00f067aa0ba902b7-01"],
        [f"traceparent: {TRACEPARENT}", f"traceparent: {TRACEPARENT}"],
    ],
    ids=["nonsense", "no-trace", "no-version", "two"],
)
def test_what_cannot_go_on_is_left_out(tiers, headers):
    gateway, node = tiers
    with Connection(gateway.http) as connection:
        connection.send(get("/api/pull?chat=a:b", *headers))
        assert connection.answer().status == 404
    assert ["trace_id" in event for event in lines(gateway, "request", 1)] == [False]
    assert ["trace_id" in event for event in lines(node, "call", 1)] == [False]


def test_it_comes_as_kitex_sends_it(tiers):
    _, node = tiers
    with RpcConnection(node.rpc) as connection:
        for serial, value in enumerate((TRACEPARENT, "nonsense"), 1):
            strings = {"RPC_TRANSIT_traceparent": value}
            connection.send(ttheader(call("Pull", pull_request("a:b"), serial), serial, strings=strings))
            connection.ttheader()
    assert [event.get("trace_id") for event in lines(node, "call", 2)] == [TRACE, None]


def test_text_logs_have_it_too(start):
    running = start("--log-level", "debug")
    client = Client(running)
    client.get("/ping", headers={"traceparent": TRACEPARENT, "X-Request-Id": "mine"})
    client.close()
    running.stop()
    assert re.search(rf" request method=GET path=/ping .*request_id=mine trace_id={TRACE}$", running.stderr, re.M)
