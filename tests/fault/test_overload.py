"""More than the server can take: told at once, nothing of it stored, and what was taken goes on."""

import concurrent.futures
import contextlib

import pytest

from faulty_disk import FDATASYNC, FSYNC
from support.build import duration, scaled
from support.client import Client
from support.errors import check_error
from support.wait import eventually
from support.wire import Connection, get, post

CHAT = "a:b"
SYNC = FSYNC | FDATASYNC


def a_send(text):
    return post({"chat": CHAT, "text": text, "sender": "a"})


def begin(faulty, *options):
    """A started server with one message, its disk, and a client."""
    server, disk = faulty(*options)
    server.start()
    client = Client(server)
    client.send(CHAT, "first")
    return server, disk, client


def block(server, disk, seconds, stack, text="blocker"):
    """A connection whose send is inside the disk's next sync, for `seconds`."""
    disk.take_long(SYNC, seconds)
    blocker = stack.enter_context(Connection(server.http, timeout=60))
    blocker.send(a_send(text))
    eventually(lambda: disk.inside == 1, "the disk to be busy")
    return blocker


@pytest.mark.parametrize("mode", ["problem", "template"])
def test_what_waits_past_its_deadline_is_dropped_and_not_stored(faulty, mode):
    """The one on the disk's way has an unknown outcome; the ones behind it were not begun."""
    template = mode == "template"
    server, disk, client = begin(faulty, "--request-timeout", duration(0.5), "--http-errors", mode)
    with contextlib.ExitStack() as stack:
        blocker = block(server, disk, scaled(3), stack)
        waiting = [stack.enter_context(Connection(server.http, timeout=60)) for _ in range(5)]
        for n, connection in enumerate(waiting):
            connection.send(a_send(f"waits {n}"))
        answers = [connection.answer() for connection in waiting]
        assert disk.inside == 1, "the refusals do not wait for the disk"
        for answer in answers:
            check_error(answer, "overloaded", template)
        check_error(blocker.answer(), "outcome_unknown", template)
        eventually(lambda: disk.inside == 0, "the disk to come back")
    after = eventually(lambda: accepted(client, "after"), "sends to be taken again")
    texts = client.texts(CHAT)
    assert texts[0] == "first" and after in texts
    assert set(texts) <= {"first", "blocker", after}, "what was overloaded is stored"
    client.close()
    server.stop()


def accepted(client, text):
    return text if client.try_send(CHAT, text).status_code == 200 else None


def test_a_full_queue_refuses_at_once_and_stores_the_rest(faulty):
    server, disk, client = begin(faulty, "--store-queue", "8", "--request-timeout", duration(30))
    with contextlib.ExitStack() as stack:
        blocker = block(server, disk, scaled(2), stack)
        others = [stack.enter_context(Connection(server.http, timeout=60)) for _ in range(40)]
        for n, connection in enumerate(others):
            connection.send(a_send(f"m{n}"))
        refused = eventually(lambda: [c for c in others if not c.is_open()], "refusals")
        assert disk.inside == 1, "a refusal waits for nothing"
        eventually(lambda: sum(not c.is_open() for c in others) >= 40 - 9, "the rest of the refusals")
        assert disk.inside == 1
        answers = [connection.answer() for connection in others]
        assert blocker.answer().status == 200
    stored = [f"m{n}" for n, answer in enumerate(answers) if answer.status == 200]
    assert refused and 1 <= len(stored) <= 9
    for answer in answers:
        if answer.status != 200:
            check_error(answer, "overloaded")
    texts = client.texts(CHAT)
    assert sorted(texts) == sorted(["first", "blocker"] + stored)
    client.send(CHAT, "after")
    client.close()
    server.stop()


def test_pulls_and_probes_go_on_while_the_disk_is_busy(faulty):
    server, disk, client = begin(faulty, "--request-timeout", duration(30))
    with contextlib.ExitStack() as stack:
        blocker = block(server, disk, scaled(2), stack)
        assert client.texts(CHAT) == ["first"], "no reader sees what is not durable"
        assert client.get("/ping").status_code == 200
        assert client.get("/healthz", admin=True).status_code == 200
        assert disk.inside == 1
        assert blocker.answer().status == 200
    assert client.texts(CHAT) == ["first", "blocker"]
    client.close()
    server.stop()


def test_a_repeat_of_a_pending_send_gets_its_outcome(faulty):
    server, disk, client = begin(faulty, "--request-timeout", duration(30))
    keyed = post({"chat": CHAT, "text": "keyed", "sender": "a", "idempotency_key": "k"})
    with contextlib.ExitStack() as stack:
        disk.take_long(SYNC, scaled(1))
        connections = [stack.enter_context(Connection(server.http, timeout=60)) for _ in range(6)]
        connections[0].send(keyed)
        eventually(lambda: disk.inside == 1, "the disk to be busy")
        for connection in connections[1:]:
            connection.send(keyed)
        answers = [connection.answer().json() for connection in connections]
    assert sum(not a["duplicate"] for a in answers) == 1
    assert len({a["send_time"] for a in answers}) == 1
    assert client.texts(CHAT) == ["first", "keyed"]
    client.close()
    server.stop()


def test_requests_in_flight_at_the_signal_are_answered(faulty):
    server, disk, client = begin(faulty, "--request-timeout", duration(30))
    client.close()
    with contextlib.ExitStack() as stack:
        blocker = block(server, disk, scaled(1), stack)
        server.send_signal()
        assert blocker.answer().status == 200
    assert server.wait() == 0
    server.start()
    client = Client(server)
    assert client.texts(CHAT) == ["first", "blocker"]
    client.close()
    server.stop()


def test_goodput_goes_on_under_more_load_than_it_takes(faulty):
    """Many senders against a short queue: some are refused, the others stored; nothing refused is."""
    server, _, client = begin(faulty, "--store-queue", "4")

    def burst(number):
        with Connection(server.http, timeout=60) as connection:
            outcomes = {}
            for n in range(25):
                connection.send(a_send(f"{number}.{n}"))
                outcomes[f"{number}.{n}"] = connection.answer()
            return outcomes

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        outcomes = {text: answer for one in pool.map(burst, range(32)) for text, answer in one.items()}
    for answer in outcomes.values():
        if answer.status != 200:
            check_error(answer, "overloaded")
    stored = {text for text, answer in outcomes.items() if answer.status == 200}
    assert stored
    assert set(client.texts(CHAT)) == stored | {"first"}
    client.close()
    server.stop()


def test_slow_clients_do_not_hold_up_others(faulty):
    """Five hundred connections that send half a request each."""
    server, _, client = begin(faulty)
    with contextlib.ExitStack() as stack:
        half = a_send("slow")[:-7]
        for _ in range(500):
            stack.enter_context(Connection(server.http)).send(half)
        for n in range(20):
            client.send(CHAT, f"fast {n}")
    assert client.texts(CHAT) == ["first"] + [f"fast {n}" for n in range(20)]
    client.close()
    server.stop()


def test_clients_that_vanish_inside_their_send_harm_nobody(faulty):
    server, disk, client = begin(faulty)
    for n in range(50):
        with Connection(server.http) as connection:
            connection.send(a_send(f"gone {n}") + get(f"/api/pull?chat={CHAT}"))
    client.send(CHAT, "after")
    texts = client.texts(CHAT)
    assert texts[0] == "first" and texts.count("after") == 1 and len(texts) == len(set(texts))
    client.close()
    server.stop()
