"""The RPC port while the disk is slow: answers out of order, deadlines, too much in flight, and draining."""

import contextlib
import time

import pytest

from faulty_disk import FDATASYNC, FSYNC
from support.build import duration, scaled
from support.client import Client
from support.prometheus import Metrics
from support.rpc import (
    OUT_OF_ORDER,
    RPC_TIMEOUT,
    RpcConnection,
    call,
    framed,
    generated,
    pull_request,
    result,
    send_request,
    ttheader,
)
from support.wait import eventually

CHAT = "a:b"
SYNC = FSYNC | FDATASYNC
OVERLOADED, OUTCOME_UNKNOWN = 11, 13


def a_send(number, **headers):
    return ttheader(call("Send", send_request(CHAT, f"text {number}"), number), number, OUT_OF_ORDER, **headers)


def a_pull(number, flags=OUT_OF_ORDER):
    return ttheader(call("Pull", pull_request(CHAT), number), number, flags)


def ready(number):
    return ttheader(call("Ready", generated().ttypes.ReadyRequest(), number), number)


def metric(client, name):
    return Metrics(client.get("/metrics", admin=True).text).total(name)


@contextlib.contextmanager
def stuck(faulty, *options, seconds=3, request_timeout=10, **request):
    """A server with one message, whose disk is inside a sync for `seconds` with another."""
    server, disk = faulty("--request-timeout", duration(request_timeout), *options)
    server.start()
    client = Client(server)
    client.send(CHAT, "first")
    with RpcConnection(server.rpc, timeout=60) as connection:
        disk.take_long(SYNC, scaled(seconds))
        connection.send(a_send(1, **request))
        eventually(lambda: disk.inside == 1, "the disk to be busy")
        yield server, client, connection
    client.close()


def code(method, frame):
    return result(method, frame.payload).Code


def test_a_slow_answer_does_not_hold_up_those_behind_it(faulty):
    with stuck(faulty) as (_server, _client, connection):
        for number in range(2, 52):
            connection.send(a_pull(number))
            answer = connection.ttheader()
            assert answer.sequence_id == number and code("Pull", answer) == 0
        slow = connection.ttheader()
        assert slow.sequence_id == 1 and code("Send", slow) == 0


def test_framed_calls_wait_for_their_turn(faulty):
    with stuck(faulty) as (server, _client, _connection), RpcConnection(server.rpc, timeout=60) as framing:
        framing.send(framed(call("Send", send_request(CHAT))) + framed(call("Pull", pull_request(CHAT))))
        assert result("Send", framing.frame()).Code == 0
        assert len(result("Pull", framing.frame()).Messages) == 3


def test_the_timeout_header_is_the_deadline(faulty):
    """What waits behind the disk was not begun; what the disk has may be stored."""
    timeout = {RPC_TIMEOUT: int(scaled(200))}
    with stuck(faulty, ints=timeout) as (_server, _client, connection):
        connection.send(a_send(2, ints=timeout))
        codes = {answer.sequence_id: code("Send", answer) for answer in (connection.ttheader(), connection.ttheader())}
        assert codes == {1: OUTCOME_UNKNOWN, 2: OVERLOADED}


def test_a_longer_timeout_than_the_servers_is_the_servers(faulty):
    with stuck(faulty, request_timeout=0.3, ints={RPC_TIMEOUT: "3600000"}) as (*_, connection):
        assert code("Send", connection.ttheader()) == OUTCOME_UNKNOWN


def test_too_much_in_flight_stops_the_reading(faulty):
    """The eleventh request is not looked at before one of the ten is answered; no other connection minds."""
    with stuck(faulty, "--rpc-max-in-flight", "10") as (server, client, connection):
        connection.send(b"".join(a_send(number) for number in range(2, 30)) + a_pull(30))
        eventually(lambda: metric(client, "parley_rpc_requests_in_flight") == 10, "ten to be in flight")
        with RpcConnection(server.rpc) as other:
            other.send(a_pull(1))
            assert code("Pull", other.ttheader()) == 0
        assert metric(client, "parley_rpc_requests_in_flight") == 10
        assert sorted(connection.ttheader().sequence_id for _ in range(30)) == list(range(1, 31))


def test_a_client_that_leaves_does_not_take_its_requests_along(faulty):
    with stuck(faulty, seconds=1) as (_server, client, connection):
        connection.close()
        eventually(lambda: client.texts(CHAT) == ["first", "text 1"], "the message to be stored")
        eventually(lambda: metric(client, "parley_rpc_connections") == 0, "the connection to be forgotten")


def test_a_client_that_takes_no_answers_is_cut(faulty):
    server, _disk = faulty("--write-timeout", duration(1))
    server.start()
    client = Client(server)
    for _ in range(10):
        client.send(CHAT, "x" * 60000)
    with RpcConnection(server.rpc, receive_buffer=4096) as connection:
        connection._socket.settimeout(1)
        with contextlib.suppress(TimeoutError):
            connection.send_while_taken(b"".join(a_pull(number) for number in range(5000)))
        assert metric(client, "process_resident_memory_bytes") < 400e6, "answers pile up"
        eventually(lambda: metric(client, "parley_rpc_connections") == 0, "the connection to be cut")
    client.close()


# Draining -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["framed", "ttheader", "multiplexed"])
def test_a_drain_answers_what_is_in_flight(faulty, form):
    server, disk = faulty("--request-timeout", duration(30))
    server.start()
    with RpcConnection(server.rpc, timeout=60) as connection:
        disk.take_long(SYNC, scaled(1))
        message = call("Send", send_request(CHAT), 1)
        connection.send(framed(message) if form == "framed" else ttheader(message, 1, int(form == "multiplexed")))
        eventually(lambda: disk.inside == 1, "the disk to be busy")
        server.send_signal()
        if form == "framed":
            assert result("Send", connection.frame()).Code == 0
        else:
            frames = {}
            while sorted(frames) != ([0, 1] if form == "multiplexed" else [1]):
                frame = connection.ttheader()
                assert frame.strings == {"crrst": "1"}
                frames[frame.sequence_id] = frame
            assert code("Send", frames[1]) == 0
        connection.half_close()
        assert connection.closed()
    assert server.wait() == 0


def test_during_drain_delay_calls_are_served_and_clients_told(faulty):
    server, _disk = faulty("--drain-delay", duration(2))
    server.start()
    with RpcConnection(server.rpc) as old:
        old.send(ready(1))
        assert "crrst" not in old.ttheader().strings
        server.send_signal()
        eventually(lambda: "draining" in server.stderr, "the drain to begin")
        with RpcConnection(server.rpc) as new:
            for number, connection in ((2, old), (3, new)):
                connection.send(ready(number) + a_send(number))
                answers = [connection.ttheader(), connection.ttheader()]
                assert all(answer.strings == {"crrst": "1"} for answer in answers)
                is_ready = (
                    result("Ready", answers[0].payload)
                    if answers[0].payload[8:13] == b"Ready"
                    else result("Ready", answers[1].payload)
                )
                assert is_ready.Code == 12 and is_ready.StoreId is None
    assert server.wait() == 0


def test_idle_connections_do_not_hold_the_drain(faulty):
    """A multiplexed one has a second to leave; one that leaves when it is told does not take even that."""
    server, _disk = faulty("--drain-timeout", duration(60))
    server.start()
    with contextlib.ExitStack() as stack:
        framing, multiplexed, mute = (stack.enter_context(RpcConnection(server.rpc)) for _ in range(3))
        framing.send(framed(call("Send", send_request(CHAT))))
        assert result("Send", framing.frame()).Code == 0
        multiplexed.send(a_send(1))
        assert code("Send", multiplexed.ttheader()) == 0
        server.send_signal()
        assert framing.closed()
        assert multiplexed.ttheader().strings == {"crrst": "1"}
        multiplexed.send(a_send(2))
        answer = multiplexed.ttheader()
        assert (answer.sequence_id, answer.strings) == (2, {"crrst": "1"})
        assert multiplexed.closed() and mute.closed()
        began = time.monotonic()
    assert server.wait() == 0
    assert time.monotonic() - began < scaled(20)


def test_a_client_that_does_not_leave_is_cut_at_the_drain_timeout(faulty):
    server, disk = faulty("--drain-timeout", duration(0.3), "--request-timeout", duration(5))
    server.start()
    with RpcConnection(server.rpc, timeout=60) as connection:
        disk.take_long(SYNC, scaled(2))
        connection.send(framed(call("Send", send_request(CHAT))))
        eventually(lambda: disk.inside == 1, "the disk to be busy")
        server.send_signal()
        assert connection.closed()
    assert server.wait() == 0
