"""Kitex' own client, over each of its transports and kinds of connections, against the RPC port."""

import signal

import pytest

from support.build import duration
from support.client import Client
from support.deployment import Gateway, Node
from support.prometheus import Metrics
from support.wait import eventually

# The numbers of the error table, and Thrift's of an exception.
INVALID_CHAT, SENDER_NOT_IN_CHAT, INVALID_TEXT, TEXT_TOO_LONG, INVALID_CURSOR, INVALID_LIMIT = 2, 3, 4, 5, 6, 7
INVALID_KEY, CHAT_NOT_FOUND, CONFLICT = 8, 9, 10
UNKNOWN_METHOD = 1

WAYS = [
    (transport, connections)
    for connections in ("pool", "short")
    for transport in ("buffered", "framed", "ttheader", "ttheaderframed")
] + [("ttheader", "mux")]


@pytest.fixture(params=WAYS, ids="-".join)
def kitex(request, deployment, kitex_client):
    return kitex_client(deployment.rpc, *request.param)


def test_send_and_pull(kitex, chat):
    sent = kitex.send(chat, "one")
    assert (sent["Code"], sent["Msg"], sent["Chat"], sent["Duplicate"]) == (0, "success", chat, False)
    later = kitex.send(f"z:{chat[:-2]}", "two 🙂\0", sender="z")
    assert later["Chat"] == chat and later["SendTime"] > sent["SendTime"]
    page = kitex.pull(chat)
    assert page["Messages"] == [
        {"Chat": chat, "Text": "one", "Sender": chat[:-2], "SendTime": sent["SendTime"]},
        {"Chat": chat, "Text": "two 🙂\0", "Sender": "z", "SendTime": later["SendTime"]},
    ]
    assert (page["Code"], page["HasMore"], page["NextCursor"]) == (0, False, later["SendTime"] + 1)


def test_pages_in_both_directions(kitex, chat):
    times = [kitex.send(chat, str(n))["SendTime"] for n in range(5)]
    page = kitex.pull(chat, times[1], 2)
    assert [m["SendTime"] for m in page["Messages"]] == times[1:3]
    assert (page["HasMore"], page["NextCursor"]) == (True, times[2] + 1)
    back = kitex.pull(chat, times[1], reverse=True)
    assert [m["SendTime"] for m in back["Messages"]] == [times[1], times[0]]
    assert (back["HasMore"], back["NextCursor"]) == (False, times[0] - 1)


def test_an_idempotency_key(kitex, chat):
    first = kitex.send(chat, key="k")
    again = kitex.send(chat, key="k")
    assert (again["SendTime"], again["Duplicate"]) == (first["SendTime"], True)
    assert kitex.send(chat, "other", key="k")["Code"] == CONFLICT
    assert kitex.send(chat, key="")["Duplicate"] is False


def test_large_texts_and_pages(kitex, chat):
    texts = [letter * 65536 for letter in "abcdefghij"]
    for text in texts:
        assert kitex.send(chat, text)["Code"] == 0
    assert [m["Text"] for m in kitex.pull(chat)["Messages"]] == texts


def test_errors_are_codes(kitex, chat):
    member = chat[:-2]
    assert kitex.send("nobody")["Code"] == INVALID_CHAT
    assert kitex.send(chat, sender="eve")["Code"] == SENDER_NOT_IN_CHAT
    assert kitex.send(chat, "")["Code"] == INVALID_TEXT
    assert kitex.send(chat, "x" * 65537)["Code"] == TEXT_TOO_LONG
    assert kitex.send(chat, key="k" * 129)["Code"] == INVALID_KEY
    assert kitex.pull(chat)["Code"] == CHAT_NOT_FOUND, "nothing was stored"
    assert kitex.pull(chat, cursor=-1)["Code"] == INVALID_CURSOR
    refused = kitex.pull(chat, limit=-1)
    assert refused["Code"] == INVALID_LIMIT and refused["Msg"]
    assert "Messages" not in refused or refused["Messages"] is None
    assert kitex.send(chat, sender=member)["Code"] == 0, "the connection goes on"


def test_an_unknown_method_is_an_exception_and_the_next_call_works(kitex, chat):
    for _ in range(3):
        outcome = kitex.attempt("Erase", Chat=chat, Text="hi", Sender="z")
        assert outcome.get("Type") == UNKNOWN_METHOD, outcome
        assert kitex.call("Ready")["Code"] == 0


def test_many_at_once(kitex, chat):
    """Each answer is its own request's."""
    calls = {kitex.submit("Send", Chat=chat, Text=str(n), Sender="z"): str(n) for n in range(500)}
    times = {kitex.outcome(number)["Answer"]["SendTime"]: text for number, text in calls.items()}
    page = kitex.pull(chat, limit=1000)
    assert {m["SendTime"]: m["Text"] for m in page["Messages"]} == times


def test_a_thousand_are_in_flight_on_one_connection(start, kitex_client, chat):
    running = start()
    kitex = kitex_client(running.rpc, "ttheader", "mux")
    assert kitex.send(chat)["Code"] == 0
    numbers = [kitex.submit("Send", Chat=chat, Text=str(n), Sender="z") for n in range(2000)]
    client = Client(running)
    assert metric(client, "parley_rpc_connections") == 1
    client.close()
    assert all(kitex.outcome(number)["Answer"]["Code"] == 0 for number in numbers)


@pytest.mark.parametrize("transport, connections", WAYS, ids=["-".join(way) for way in WAYS])
def test_a_client_of_the_template_needs_no_change(deployment, kitex_client, chat, transport, connections):
    kitex = kitex_client(deployment.rpc, transport, connections, idl="template")
    assert kitex.call("Send", Chat=chat, Text="one", Sender="z") == {"Code": 0, "Msg": "success"}
    page = kitex.pull(chat)
    assert (page["Code"], page["Messages"][0]["Text"], page["HasMore"]) == (0, "one", False)
    assert page["NextCursor"] == page["Messages"][0]["SendTime"] + 1


# Deadlines -----------------------------------------------------------------------------------------------------------


class Relay(Gateway):
    """An RPC node over another one, which can be stopped."""

    listeners = ("rpc", "admin")


def metric(client, name, **labels):
    return Metrics(client.get("/metrics", admin=True).text).total(name, **labels)


@pytest.mark.parametrize("connections", ["pool", "mux"])
def test_the_clients_timeout_is_the_servers_deadline(tmp_path, kitex_client, chat, connections):
    """The server itself gives up after the client's half second, long before its own minute."""
    core = Node(tmp_path / "core").start()
    relay = Relay(tmp_path / "relay", "--request-timeout", duration(60), nodes=[core]).start()
    try:
        kitex = kitex_client(relay.rpc, "ttheader", connections)
        assert kitex.send(chat)["Code"] == 0
        core.send_signal(signal.SIGSTOP)
        outcome = kitex.attempt("Send", Chat=chat, Text="late", Sender="z", Timeout=500)
        assert "timeout" in outcome.get("Error", ""), outcome
        client = Client(relay)
        eventually(
            lambda: metric(client, "parley_rpc_requests_total", method="Send", code="outcome_unknown") == 1,
            "the server to give up as well",
        )
        client.close()
    finally:
        core.send_signal(signal.SIGCONT)
        relay.kill()
        core.kill()


# Draining ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", ["pool", "mux"])
def test_a_server_that_goes_answers_what_it_has(tmp_path, kitex_client, client_of, chat, connections):
    core = Node(tmp_path / "core").start()
    relay = Relay(tmp_path / "relay", "--request-timeout", duration(20), nodes=[core]).start()
    try:
        kitex = kitex_client(relay.rpc, "ttheader", connections)
        assert kitex.send(chat)["Code"] == 0
        core.send_signal(signal.SIGSTOP)
        numbers = [kitex.submit("Send", Chat=chat, Text=str(n), Sender="z") for n in range(20)]
        client = Client(relay)
        eventually(lambda: metric(client, "parley_rpc_requests_in_flight") == 20, "all to be in flight")
        client.close()
        relay.send_signal()
        eventually(lambda: "draining" in relay.stderr, "the drain to begin")
        core.send_signal(signal.SIGCONT)
        assert [kitex.outcome(number).get("Answer", {}).get("Code") for number in numbers] == [0] * 20
        assert relay.wait() == 0
    finally:
        core.send_signal(signal.SIGCONT)
        relay.kill()
        core.kill()


@pytest.mark.parametrize("connections", ["pool", "mux"])
def test_a_server_restarted_under_load_loses_and_doubles_nothing(start, kitex_client, client_of, chat, connections):
    """Its answers tell a pool to leave connections before they close. Of multiplexed ones the client (0.15) closes its end
    when it is told, and so may not learn what became of the call that it just made."""
    running = start("--drain-delay", duration(1))
    kitex = kitex_client(running.rpc, "ttheader", connections)
    texts = {kitex.submit("Send", Chat=chat, Text=f"before {n}", Sender="z"): f"before {n}" for n in range(50)}
    acknowledged = [text for number, text in texts.items() if kitex.outcome(number)["Answer"]["Code"] == 0]
    assert len(acknowledged) == 50
    unknown = []
    running.send_signal()
    while running.running():
        text = f"during {len(acknowledged)}"
        outcome = kitex.attempt("Send", Chat=chat, Text=text, Sender="z")
        if "Answer" not in outcome:
            if "get connection error" not in outcome["Error"]:
                assert connections == "mux" and "conn closed" in outcome["Error"], outcome
                unknown.append(text)
            break
        assert outcome["Answer"]["Code"] == 0, outcome
        acknowledged.append(text)
    assert running.wait() == 0
    assert len(acknowledged) > 50, "it served during its drain delay"
    running.keep_port()
    running.start()
    eventually(lambda: "Answer" in kitex.attempt("Ready"), "the client to find the server again")
    assert kitex.send(chat, "after", sender="z")["Code"] == 0
    stored = client_of(running).texts(chat)
    assert len(stored) == len(set(stored))
    assert {*acknowledged, "after"} <= set(stored) <= {*acknowledged, "after", *unknown}
