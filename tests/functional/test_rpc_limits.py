"""Limits of the RPC port: sizes, times, connections, memory; and what it counts."""

import socket
import struct

import pytest

from support.build import duration, scaled
from support.deployment import Gateway, Node
from support.errors import check_error
from support.prometheus import Metrics
from support.rpc import RpcConnection, call, framed, lives, pull_request, ready, result, send_request, ttheader
from support.server import Server
from support.wait import eventually

OVERLOADED, INTERNAL = 11, 14
HEAD = b"\x80\x01\x00\x01\x00\x00\x00\x04Send\x00\x00\x00\x01"
MIB = 1 << 20


def padded(size):
    """A call of Ready of this size, by a field that nobody knows."""
    head, tail = ready()[:-2], b"\x00\x00"
    padding = size - len(head) - len(tail) - 7
    return head + b"\x0b\x00\x63" + struct.pack(">I", padding) + b"x" * padding + tail


@pytest.mark.parametrize(
    "wrapped, around",
    [(lambda m: m, 0), (framed, 4), (lambda m: ttheader(m, 1), 18)],
    ids=["unframed", "framed", "ttheader"],
)
def test_a_message_of_1_mib_is_taken_and_a_larger_one_closes(deployment, wrapped, around):
    with RpcConnection(deployment.rpc) as connection:
        connection.send(wrapped(padded(MIB - around)))
        connection.half_close()
        assert b"success" in connection.rest()
    with RpcConnection(deployment.rpc) as connection:
        connection.send_while_taken(wrapped(padded(MIB - around + 1)))
        assert connection.closed()


@pytest.mark.parametrize(
    "claim",
    [
        b"\x7f\xff\xff\xff\x80\x01",
        b"\x00\xff\xff\xff\x80\x01",
        b"\x00\xff\xff\xff\x10\x00",
        b"\x80\x01\x00\x01\x7f\xff\xff\xff",
        HEAD + b"\x0b\x00\x01\x7f\xff\xff\xff",
    ],
)
def test_a_claimed_length_closes_at_once(deployment, claim):
    with RpcConnection(deployment.rpc) as connection:
        connection.send(claim)
        assert b"\x80\x01\x00\x02" not in connection.rest()


def test_a_text_that_no_frame_can_hold_harms_nobody_else(client_of, tmp_path, request):
    """It was stored when there was no Thrift service beside HTTP."""
    store = f"rocksdb:{tmp_path / 'shared'}"
    without_rpc = Server(tmp_path / "http", "--max-text", "16MiB", store=store)
    without_rpc.listeners = ("http",)
    node = Node(tmp_path / "node", store=store)
    gateway = Gateway(tmp_path / "gateway", "--threads", 1, nodes=[node])
    for one in (without_rpc, node, gateway):
        request.addfinalizer(one.kill)
    without_rpc.start()
    client_of(without_rpc).send("a:b", "x" * (16 * MIB))
    without_rpc.stop()
    node.start()
    with RpcConnection(node.rpc) as connection:
        connection.send(ttheader(call("Pull", pull_request("a:b"), 1), 1))
        response = result("Pull", connection.ttheader().payload)
        assert response.Code == INTERNAL and "frame" in response.Msg
        assert lives(connection)
    client = client_of(gateway.start())
    check_error(client.try_pull("a:b"), "internal")
    client.send("a:c")
    backend = f"{node.rpc[0]}:{node.rpc[1]}"
    assert metrics(client).total("parley_backend_calls_total", node=backend, outcome="nonsense") == 0
    gateway.stop()
    node.stop()


@pytest.mark.memory
def test_frames_that_are_only_begun_cost_nothing(start, client_of):
    """A thousand clients claim a megabyte each."""
    running = start("--max-memory", "4MiB", "--max-page-bytes", "64KiB")
    before = resident(running)
    held = [RpcConnection(running.rpc) for _ in range(1000)]
    try:
        for connection in held:
            connection.send(b"\x00\x0f\xff\xf0\x80\x01\x00\x01")
        client = client_of(running)
        eventually(lambda: metrics(client).total("parley_rpc_connections") == 1000, "all to be there")
        with RpcConnection(running.rpc) as connection:
            assert lives(connection)
        assert resident(running) - before < 1000 * 8192
    finally:
        for connection in held:
            connection.close()


def resident(running):
    with open(f"/proc/{running.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


@pytest.mark.memory
def test_an_idle_connection_costs_less_than_8_kib(start):
    running = start()
    spare = [RpcConnection(running.rpc) for _ in range(50)]  # what the first ones cost once
    before = resident(running)
    held = []
    try:
        for _ in range(2000):
            held.append(RpcConnection(running.rpc))
            held[-1].send(ttheader(ready(), 1))
            assert held[-1].ttheader().sequence_id == 1
        cost = (resident(running) - before) / len(held)
        assert cost < 8192, f"{cost:.0f} bytes a connection"
    finally:
        for connection in spare + held:
            connection.close()


@pytest.fixture(scope="module")
def hasty(start_shared):
    return start_shared("--body-timeout", duration(0.5), "--idle-timeout", duration(0.5))


@pytest.mark.parametrize("part", [b"", b"\x80", b"\x00\x00", framed(ready())[:-1], HEAD, ttheader(ready(), 1)[:-1]])
def test_what_does_not_arrive_is_cut(hasty, part):
    with RpcConnection(hasty.rpc) as connection:
        connection.send(part)
        assert connection.closed()


def test_a_message_that_dribbles_is_cut_too(hasty):
    with RpcConnection(hasty.rpc) as connection:
        connection.send(framed(padded(4096))[:100])
        connection._socket.settimeout(scaled(0.05))
        for _ in range(2000):
            if not connection.send_while_taken(b"x"):
                break
            try:
                assert not connection._more()
                break
            except (TimeoutError, socket.timeout):
                pass
        else:
            raise AssertionError("it is never cut")


def test_max_connections(start, client_of):
    running = start("--max-connections", "2")
    held = [RpcConnection(running.rpc) for _ in range(2)]
    try:
        assert all(lives(connection) for connection in held)
        with RpcConnection(running.rpc) as third:
            assert third.closed()
        held.pop().close()
        eventually(lambda: served(running), "room for another connection")
        assert metrics(client_of(running)).total("parley_rpc_connections_refused_total") >= 1
    finally:
        for connection in held:
            connection.close()


def served(running):
    try:
        with RpcConnection(running.rpc) as connection:
            return lives(connection)
    except (EOFError, OSError):
        return False


def test_memory_runs_out_and_comes_back(start, chat):
    """Requests that there is no room for are answered overloaded, and their connection goes on."""
    running = start("--max-memory", "1MiB", "--max-page-bytes", "1KiB", "--max-text", "64KiB")
    with RpcConnection(running.rpc) as connection:
        connection.send(b"".join(ttheader(call("Send", send_request(chat, "x" * 60000), n), n) for n in range(100)))
        codes = {}
        for _ in range(100):
            answer = connection.ttheader()
            codes[answer.sequence_id] = result("Send", answer.payload).Code
        assert set(codes.values()) <= {0, OVERLOADED}
        assert lives(connection)


def test_calls_are_counted(start, client_of, chat):
    running = start()
    with RpcConnection(running.rpc) as connection:
        connection.send(
            framed(call("Send", send_request(chat)))
            + framed(call("Pull", pull_request("nobody")))
            + framed(ready(method=b"Reapy"))
        )
        for _ in range(3):
            connection.frame()
        counted = metrics(client_of(running))
        requests = "parley_rpc_requests_total"
        assert counted.total(requests, method="Send", code="success") == 1
        assert counted.total(requests, method="Pull", code="invalid_chat") == 1
        assert counted.total(requests, method="other", code="exception") == 1
        assert counted.total("parley_rpc_request_seconds_count", method="Send") == 1
        assert counted.total("parley_rpc_connections") == 1


def metrics(client):
    return Metrics(client.get("/metrics", admin=True).text)
