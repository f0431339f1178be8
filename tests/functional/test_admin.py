"""/healthz, /readyz and /metrics, and draining."""

import concurrent.futures
import shutil
import signal
import socket
import threading
import time

import pytest

from support.build import duration, scaled
from support.client import Client
from support.errors import check_error
from support.prometheus import Metrics
from support.wait import eventually
from support.wire import Closed, Connection, get, post


def metrics(client):
    answer = client.get("/metrics", admin=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return Metrics(answer.text)


# Routes --------------------------------------------------------------------------------------------------------------


def test_healthz_and_readyz_are_well(client):
    assert client.get("/healthz", admin=True).status_code == 200
    assert client.get("/readyz", admin=True).status_code == 200


def test_admin_routes_are_on_the_admin_listener_only(client):
    for path in ("/api/pull?chat=a:b", "/ping"):
        check_error(client.get(path, admin=True), "not_found")


def test_admin_routes_take_get_only(client):
    for path in ("/healthz", "/readyz", "/metrics"):
        check_error(client.request("POST", path, admin=True), "method_not_allowed")
        assert client.request("HEAD", path, admin=True).status_code == 200


# Metrics -------------------------------------------------------------------------------------------------------------


def test_the_start_is_told(start, client_of):
    before = time.time()
    running = start()
    assert before - 1 < metrics(client_of(running)).total("process_start_time_seconds") < time.time() + 1


@pytest.mark.own_store
def test_the_room_on_the_disk_is_told(start, client_of):
    running = start()
    told = metrics(client_of(running))
    disk = shutil.disk_usage(running.data)
    assert told.total("parley_store_disk_available_bytes") == pytest.approx(disk.free, rel=0.2)
    assert told.total("parley_store_disk_size_bytes") == disk.total


def test_requests_are_counted_by_route_and_status(client, chat):
    before = metrics(client)
    name = before.family("counter", "parley_http", "requests")
    client.send(chat)
    client.pull(chat)
    client.try_send(chat, "")
    client.get("/nowhere")
    after = metrics(client)

    def moved(**labels):
        return (after.total(name, **labels) or 0) - (before.total(name, **labels) or 0)

    assert moved(route="/api/send", status="200") == 1
    assert moved(route="/api/send", status="400") == 1
    assert moved(route="/api/pull", status="200") == 1
    assert moved(status="404") == 1
    assert not any("/nowhere" in value for _, labels in after.samples for _, value in labels), (
        "unknown paths are no labels"
    )


def test_latencies_are_a_histogram(client, chat):
    before = metrics(client)
    name = before.family("histogram", "parley_http", "request", "seconds")
    client.send(chat)
    after = metrics(client)
    assert (
        after.total(f"{name}_count", route="/api/send") >= (before.total(f"{name}_count", route="/api/send") or 0) + 1
    )
    assert after.total(f"{name}_sum", route="/api/send") > 0


@pytest.mark.own_store
def test_stored_messages_and_batches_are_counted(client, chat):
    before = metrics(client)
    stored = before.family("counter", "parley", "messages")
    batches = before.family("histogram", "parley", "batch")
    syncs = before.family("histogram", "parley", "store", "write", "seconds")
    for n in range(5):
        client.send(chat, str(n), key=f"k{n % 3}" if n < 3 else None)
    client.send(chat, "0", key="k0")
    after = metrics(client)
    assert after.total(stored) - before.total(stored) == 5, "a duplicate is not stored"
    for name in (batches, syncs):
        assert after.total(f"{name}_count") > before.total(f"{name}_count")


@pytest.mark.own_store
def test_gauges_for_the_store(client):
    now = metrics(client)
    assert now.total(now.family("gauge", "parley", "queue")) >= 0


def test_gauges_for_connections_and_process(client):
    now = metrics(client)
    assert now.total("process_resident_memory_bytes") > 1e6
    assert now.total("process_open_fds") > 3
    assert now.total("process_cpu_seconds_total") > 0
    assert any(n.startswith("parley") and "connections" in n for n, kind in now.types.items() if kind == "gauge")


def test_bodies_in_memory_are_counted_until_they_are_answered(start, chat):
    running = start()
    client = Client(running)
    whole = post({"chat": chat, "sender": chat.split(":")[0], "text": "x" * 5000})
    with Connection(running.http) as connection:
        connection.send(whole[:-5])
        eventually(lambda: metrics(client).total("parley_memory_bytes") >= 5000, "the body to be counted")
        connection.send(whole[-5:])
        assert connection.answer().status == 200
    assert metrics(client).total("parley_memory_bytes") == 0


def test_every_counter_ends_in_total(client):
    now = metrics(client)
    assert all(n.endswith("_total") for n, kind in now.types.items() if kind == "counter")


def test_connections_are_counted(deployment, client):
    def count():
        now = metrics(client)
        return sum(v for (n, _), v in now.samples.items() if "connections" in n and now.types.get(n) == "gauge")

    before = count()
    held = [Connection(deployment.http) for _ in range(5)]
    eventually(lambda: count() >= before + 5, "five more connections")
    for connection in held:
        connection.close()
    eventually(lambda: count() <= before, "their end")


# Draining ------------------------------------------------------------------------------------------------------------


def status_of(address, path):
    try:
        with Connection(address) as connection:
            connection.send(get(path, "Connection: close"))
            return connection.answer().status
    except (Closed, OSError):
        return None


def test_during_drain_delay_readyz_is_503_and_calls_are_served(start, chat):
    running = start("--drain-delay", duration(1.5))
    client = Client(running)
    client.send(chat, "before")
    began = time.monotonic()
    running.send_signal()
    answer = eventually(lambda: not_ready(client), "readyz to turn 503")
    check_error(answer, "unavailable")
    assert client.get("/healthz", admin=True).status_code == 200
    assert status_of(running.http, "/ping") == 200, "new connections are served during the delay"
    client.send(chat, "during")
    assert running.wait() == 0
    assert time.monotonic() - began >= scaled(1.5)
    client.close()
    running.start()
    client = Client(running)
    assert client.texts(chat) == ["before", "during"]
    client.close()


def not_ready(client):
    answer = client.get("/readyz", admin=True)
    return answer if answer.status_code == 503 else None


@pytest.mark.parametrize("delay", [0, 1])
def test_clients_that_keep_connections_open_lose_nothing(start, chat, delay):
    """A client that asks again and again on a connection, and leaves it when it is told to, is answered each time."""
    running = start("--drain-delay", duration(delay))
    request = post({"chat": chat, "sender": chat.split(":")[0], "text": "x"})
    going = threading.Barrier(5, timeout=scaled(20))

    def ask_until_told_to_close():
        answered = 0
        with Connection(running.http) as connection:
            while True:
                connection.send(request)
                answer = connection.answer()  # fails if the server has closed instead
                assert answer.status == 200
                answered += 1
                if answer.header("Connection") == "close":
                    connection.half_close()
                    assert connection.closed()
                    return answered
                assert answer.header("Connection") == "keep-alive"
                if answered == 3:
                    going.wait()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask_until_told_to_close) for _ in range(4)]
        going.wait()
        running.send_signal()
        answered = sum(client.result() for client in clients)
    assert running.wait() == 0
    running.start()
    client = Client(running)
    assert len(client.read_all(chat)) == answered
    client.close()


def test_an_idle_connection_lives_until_the_drain_ends(start):
    running = start("--drain-delay", duration(1))
    with Connection(running.http) as connection, Connection(running.http) as watched:
        for each in (connection, watched):
            each.send(get())
            assert each.answer().header("Connection") == "keep-alive"
        began = time.monotonic()
        running.send_signal()
        eventually(lambda: "draining" in running.stderr, "the drain's begin")
        connection.send(get())
        answer = connection.answer()
        assert (answer.status, answer.header("Connection")) == (200, "close")
        assert watched.closed()
        assert time.monotonic() - began >= scaled(1) * 0.9, "the delay had passed"
    assert running.wait() == 0


def test_a_request_half_received_at_the_signal_is_answered(start, chat):
    running = start()
    whole = post({"chat": chat, "sender": chat.split(":")[0], "text": "in flight"})
    with Connection(running.http) as connection:
        connection.send(whole[:-5])
        received(running, connection)
        running.send_signal()
        eventually(lambda: status_of(running.http, "/ping") is None, "the listener's end")
        connection.send(whole[-5:])
        answer = connection.answer()
        assert answer.status == 200
        assert answer.header("Connection") == "close"
        assert connection.closed()
    assert running.wait() == 0


def received(running, connection):
    """Waits until the server has read what was sent: nothing of it is left in its socket's queue."""
    port = connection._socket.getsockname()[1]
    local = "%08X:%04X" % (int.from_bytes(socket.inet_aton(running.http[0]), "little"), running.http[1])

    def drained():
        for line in open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]:
            fields = line.split()
            if fields[1] == local and fields[2].endswith(":%04X" % port):
                return fields[4].endswith(":00000000")
        return False

    eventually(drained, "the server to read the request")


def test_the_backlog_is_served_at_the_signal(start):
    """Whoever had connected and asked when the signal came gets an answer."""
    running = start()
    connections = [Connection(running.http) for _ in range(100)]
    try:
        for connection in connections:
            connection.send(get())
        running.send_signal()
        assert [connection.answer().status for connection in connections] == [200] * 100
    finally:
        for connection in connections:
            connection.close()
    assert running.wait() == 0


def test_idle_connections_do_not_hold_the_drain(start):
    running = start("--drain-timeout", duration(60))
    with Connection(running.http) as idle, Connection(running.http) as fresh:
        idle.send(get())
        assert idle.answer().status == 200
        began = time.monotonic()
        running.send_signal()
        assert idle.closed()
        fresh.rest()
        assert running.wait() == 0
        assert time.monotonic() - began < scaled(30)


def test_drain_timeout_ends_what_does_not_end(start):
    running = start("--drain-timeout", duration(0.5), "--body-timeout", duration(120))
    with Connection(running.http) as connection:
        connection.send(post(b"{}")[:-1])
        received(running, connection)
        running.send_signal()
        assert running.wait() == 0


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_ends_it_at_once(start, first, second):
    running = start("--drain-delay", "600s")
    client = Client(running)
    running.send_signal(first)
    eventually(lambda: not_ready(client), "the drain's begin")
    client.close()
    running.send_signal(second)
    assert running.wait() == 128 + second


def test_admin_closes_last(start, chat):
    running = start("--drain-timeout", duration(30))
    whole = post({"chat": chat, "sender": chat.split(":")[0], "text": "x"})
    with Connection(running.http) as connection:
        connection.send(whole[:-1])
        received(running, connection)
        running.send_signal()
        eventually(lambda: status_of(running.http, "/ping") is None, "the HTTP listener's end")
        assert status_of(running.admin, "/healthz") == 200
        assert status_of(running.admin, "/readyz") == 503
        connection.send(whole[-1:])
        assert connection.answer().status == 200
    assert running.wait() == 0
