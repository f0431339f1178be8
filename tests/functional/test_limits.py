"""Limits of size and number, each at its boundary."""

import json

import pytest

from support.build import duration
from support.errors import check_error
from support.prometheus import Metrics
from support.wait import eventually
from support.wire import Closed, Connection, chunked, get, post

HEADER = 64 * 1024
BODY = 6 * 65536 + 16384


def with_head_of(size):
    """A ping whose request line and fields, with the empty line, are `size` bytes."""
    bare = get("/ping", "X: ")
    return get("/ping", "X: " + "x" * (size - len(bare)))


@pytest.mark.parametrize("size", [HEADER - 1, HEADER])
def test_a_header_of_64_kib_is_taken(deployment, size):
    request = with_head_of(size)
    assert len(request) == size
    with Connection(deployment.http) as connection:
        connection.send(request)
        assert connection.answer().status == 200


@pytest.mark.parametrize("size", [HEADER + 1, HEADER + 1000, 1 << 20, 8 << 20])
def test_a_larger_header_is_refused_and_the_refusal_readable(deployment, size):
    with Connection(deployment.http) as connection:
        connection.send_while_taken(with_head_of(size))
        answer = connection.answer()
        check_error(answer, "headers_too_large")
        assert answer.header("Connection") == "close"
        assert connection.closed()


def test_a_request_line_that_never_ends_is_refused(deployment):
    with Connection(deployment.http) as connection:
        connection.send_while_taken(b"GET /" + b"x" * (HEADER + 1000))
        check_error(connection.answer(), "headers_too_large")


def test_many_small_fields_count_too(deployment):
    with Connection(deployment.http) as connection:
        connection.send_while_taken(get("/ping", *["X: y"] * 20000))
        check_error(connection.answer(), "headers_too_large")


def padded(chat, size):
    """A send's JSON of exactly `size` bytes."""
    body = json.dumps({"chat": chat, "text": "hi", "sender": chat.split(":")[0], "pad": ""}).encode()
    return body[:-2] + b"x" * (size - len(body)) + body[-2:]


def as_length(body):
    return post(body)


def as_chunks(body):
    return post(b"", "Transfer-Encoding: chunked", length=False) + chunked(body, size=10000)


@pytest.mark.parametrize("written", [as_length, as_chunks])
def test_a_body_of_the_limit_is_taken(deployment, client, chat, written):
    with Connection(deployment.http) as connection:
        for size in (BODY - 1, BODY):
            connection.send(written(padded(chat, size)))
            assert connection.answer().status == 200
    assert client.texts(chat) == ["hi", "hi"]


@pytest.mark.parametrize("written", [as_length, as_chunks])
@pytest.mark.parametrize("size", [BODY + 1, 4 << 20])
def test_a_larger_body_is_refused_and_the_refusal_readable(deployment, client, chat, written, size):
    """The client has sent everything before it reads: the close must linger, or a reset would eat the answer."""
    with Connection(deployment.http) as connection:
        connection.send_while_taken(written(padded(chat, size)))
        answer = connection.answer()
        check_error(answer, "body_too_large")
        assert answer.header("Connection") == "close"
        assert connection.closed()
    check_error(client.try_pull(chat), "chat_not_found")


def test_an_announced_body_too_large_is_refused_at_once(deployment):
    with Connection(deployment.http) as connection:
        connection.send(post(b"", "Content-Length: 99999999999", length=False))
        check_error(connection.answer(), "body_too_large")


def test_max_body_moves_the_limit(start, chat):
    running = start("--max-body", "1KiB")
    for size, status in ((1024, 200), (1025, 413)):
        with Connection(running.http) as connection:
            connection.send(post(padded(chat, size)))
            assert connection.answer().status == status


def test_max_connections(start):
    running = start("--max-connections", "3")
    held = []
    try:
        for _ in range(3):
            held.append(Connection(running.http))
            held[-1].send(get())
            assert held[-1].answer().status == 200
        with Connection(running.http) as fourth:
            assert refused_or_waiting(fourth)
        for connection in held:
            connection.send(get())
            assert connection.answer().status == 200, "those that are in go on"
        held.pop().close()
        eventually(lambda: pings(running), "room for another connection")
    finally:
        for connection in held:
            connection.close()


def refused_or_waiting(connection):
    """One connection too many is told `overloaded`, is closed, or waits to be accepted; it is not served."""
    connection.send_while_taken(get())
    connection._socket.settimeout(1)
    try:
        answer = connection.answer()
    except (Closed, TimeoutError):
        return True
    check_error(answer, "overloaded")
    return True


def pings(running):
    try:
        with Connection(running.http) as connection:
            connection.send(get("/ping", "Connection: close"))
            return connection.answer().status == 200
    except (Closed, ConnectionError, AssertionError):
        return False


def test_max_memory_bounds_the_bodies_in_memory_together(start, client_of, chat):
    """Bodies that have arrived in part hold memory; past the bound a send is overloaded, and it comes back."""
    running = start("--max-memory", "1MiB", "--max-page-bytes", "64KiB", "--body-timeout", duration(120))
    client = client_of(running)
    large = padded(chat, 350_000)
    held = []
    try:
        for _ in range(6):
            held.append(Connection(running.http))
            held[-1].send_while_taken(post(large)[:-1000])
        answer = eventually(lambda: refusal(client, large), "a refusal past --max-memory")
        check_error(answer, "overloaded")
        assert client.get("/ping").status_code == 200
    finally:
        for connection in held:
            connection.close()
    stored = len(client.texts(chat)) if client.try_pull(chat).status_code == 200 else 0
    eventually(lambda: refusal(client, large) is None, "memory given back")
    assert len(client.texts(chat)) == stored + 1, "a refused send stored"


def refusal(client, body):
    answer = client.post("/api/send", data=body, headers={"Content-Type": "application/json"})
    return None if answer.status_code == 200 else answer


def test_a_client_that_does_not_read_its_answers_stops_being_served(start, client_of, chat):
    """Pipelined pulls whose answers nobody takes must not pile up in memory."""
    running = start("--write-timeout", duration(2))
    client = client_of(running)
    for _ in range(8):
        client.send(chat, "x" * 65536)
    with Connection(running.http, receive_buffer=4096) as connection:
        connection._socket.settimeout(1)
        try:
            connection.send_while_taken(get(f"/api/pull?chat={chat}") * 2000)
        except TimeoutError:
            pass
        resident = Metrics(client.get("/metrics", admin=True).text).total("process_resident_memory_bytes")
        assert resident < 400e6, "answers pile up"
        assert client.get("/ping").status_code == 200
        eventually(lambda: connections(client) <= 1, "the stuck client's connection to be cut")


def connections(client):
    metrics = Metrics(client.get("/metrics", admin=True).text)
    return metrics.total(metrics.family("gauge", "parley_http", "connections"), listener="http") or metrics.total(
        metrics.family("gauge", "parley_http", "connections")
    )
