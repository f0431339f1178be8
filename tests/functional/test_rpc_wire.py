"""The RPC port in bytes: the forms that Kitex speaks, and exceptions."""

import struct

import pytest

from support.rpc import (
    BINARY,
    COMPACT,
    LOG_ID,
    OUT_OF_ORDER,
    RPC_TIMEOUT,
    RpcConnection,
    call,
    framed,
    lives,
    pull_request,
    ready,
    result,
    send_request,
    ttheader,
)
from support.wait import eventually

UNKNOWN_METHOD, PROTOCOL_ERROR = 1, 7
CHAT_NOT_FOUND = 9


@pytest.fixture
def connection(deployment):
    with RpcConnection(deployment.rpc) as made:
        yield made


# TTHeader -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [lambda message: message, framed], ids=["bare", "inner frame"])
@pytest.mark.parametrize("protocol", [BINARY, COMPACT])
def test_ttheader_is_answered_in_kind(connection, chat, protocol, inner):
    connection.send(ttheader(inner(call("Send", send_request(chat), 7, protocol)), 7, protocol=protocol))
    answer = connection.ttheader()
    assert (answer.sequence_id, answer.protocol) == (7, protocol)
    message = answer.payload
    if inner is framed:
        assert struct.unpack(">I", message[:4])[0] == len(message) - 4
        message = message[4:]
    assert result("Send", message, protocol).Code == 0
    assert "crrst" not in answer.strings


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"strings": {"rip": "127.0.0.1:1", "isn": "IMService"}},
        {"ints": {1: "framed", 3: "a.service", 9: "Send", 22: "1"}},
        {"token": "secret"},
        {"strings": {"k": ""}, "ints": {999: ""}, "token": ""},
        {"strings": {"long": "x" * 60000}},
    ],
)
def test_headers_of_no_meaning_here_are_ignored(connection, headers):
    connection.send(ttheader(ready(), 1, **headers))
    assert result("Ready", connection.ttheader().payload).Code == 0


def test_ttheader_sequence_ids_are_any_32_bits(connection):
    ids = [1, 0, -1, 2**31 - 1, -(2**31)]
    connection.send(b"".join(ttheader(ready(), n) for n in ids))
    assert sorted(connection.ttheader().sequence_id for _ in ids) == sorted(ids)


def test_many_in_flight_on_one_connection(connection, chat):
    """Sent before anything is read; every answer is that of its own request."""
    count = 1000
    connection.send(
        b"".join(
            ttheader(call("Send", send_request(chat, f"text {n}", key=f"{n}"), n), n, OUT_OF_ORDER)
            for n in range(count)
        )
    )
    times = {}
    for _ in range(count):
        answer = connection.ttheader()
        times[answer.sequence_id] = result("Send", answer.payload).SendTime
    assert sorted(times) == list(range(count))
    connection.send(framed(call("Pull", pull_request(chat, limit=1000))))
    messages = result("Pull", connection.frame()).Messages
    assert {m.SendTime: m.Text for m in messages} == {time: f"text {n}" for n, time in times.items()}


def test_the_timeout_header_is_the_deadline(start):
    """A timeout that has passed before anything could begin; what is no number of milliseconds is no timeout."""
    running = start()
    with RpcConnection(running.rpc) as connection:
        for timeout in ("0", "-5", "soon", "", "99999999999999999999", "60000"):
            connection.send(ttheader(ready(), 1, ints={RPC_TIMEOUT: timeout}))
            assert result("Ready", connection.ttheader().payload).Code == 0, timeout


def test_the_log_id_is_the_request_id(start):
    running = start("--log-level", "debug")
    with RpcConnection(running.rpc) as connection:
        connection.send(ttheader(ready(), 1, ints={LOG_ID: "trace-me-42"}))
        assert result("Ready", connection.ttheader().payload).Code == 0
    eventually(lambda: "request_id=trace-me-42" in running.stderr, "the call's line in the log")


# Forms side by side ---------------------------------------------------------------------------------------------------


def test_each_message_may_come_in_another_form(connection, chat):
    send = call("Send", send_request(chat))
    compact = call("Send", send_request(chat), protocol=COMPACT)
    connection.send(send + framed(send) + framed(compact) + send)
    assert result("Send", _unframed_answer(connection)).Code == 0
    assert result("Send", connection.frame()).Code == 0
    assert result("Send", connection.frame(), COMPACT).Code == 0
    assert result("Send", _unframed_answer(connection)).Code == 0


def _unframed_answer(connection):
    """An answer to Send has a known length: the head, and what is in it."""
    message = connection._take(4 + 4 + 4 + 4 + 3 + 7 + 3 + 4)
    (length,) = struct.unpack(">I", message[-4:])
    message += connection._take(length + 3 + 4)
    (length,) = struct.unpack(">I", message[-4:])
    return message + connection._take(length + 11 + 4 + 1 + 1)


@pytest.mark.parametrize(
    "wrapped", [lambda m: m, framed, lambda m: ttheader(m, 1)], ids=["unframed", "framed", "ttheader"]
)
def test_a_message_may_come_byte_by_byte(connection, wrapped):
    for byte in wrapped(ready()):
        connection.send(bytes([byte]))
    connection.half_close()
    assert b"success" in connection.rest()


def test_pipelined_calls_are_answered_in_order(connection):
    connection.send(b"".join(framed(ready(n)) for n in range(500)))
    assert [struct.unpack(">I", connection.frame()[13:17])[0] for _ in range(500)] == list(range(500))


def test_a_half_closed_client_gets_its_answers(connection, chat):
    connection.send(b"".join(ttheader(call("Send", send_request(chat), n), n) for n in range(50)))
    connection.half_close()
    assert sorted(connection.ttheader().sequence_id for _ in range(50)) == list(range(50))
    assert connection.closed()


# Exceptions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [b"Sned", b"", b"send", b"\xff\x00"])
def test_an_unknown_method(connection, method):
    connection.send(framed(ready(3, method)))
    answer = connection.frame()
    assert answer[:4] == b"\x80\x01\x00\x03"
    assert answer[8 : 12 + len(method)] == method + struct.pack(">I", 3)
    connection.send(ttheader(ready(3, method), 4))
    assert connection.ttheader().sequence_id == 4
    assert lives(connection)


def test_an_unknown_method_is_type_1(connection):
    connection.send(framed(ready(method=b"Reapy")))
    assert exception_type(connection.frame()) == UNKNOWN_METHOD


def exception_type(message):
    """The type of a TApplicationException: field 2, at its end."""
    assert message[:4] == b"\x80\x01\x00\x03", message
    assert message[-8:-4] == b"\x08\x00\x02\x00", message
    return struct.unpack(">I", message[-5:-1])[0]


HEAD = b"\x80\x01\x00\x01\x00\x00\x00\x04Send\x00\x00\x00\x01"


@pytest.mark.parametrize(
    "arguments",
    [
        b"\x00",  # no argument
        b"\x0c\x00\x01\x00\x00",  # no message in it
        b"\x0c\x00\x02" + b"\x00\x00",  # Send's argument is 1
        b"\x0b\x00\x01\x00\x00\x00\x01x\x00",  # an argument of another type
    ],
    ids=["no argument", "no message", "other id", "other type"],
)
def test_a_missing_required_field_is_type_7_in_every_form(connection, arguments):
    connection.send(framed(HEAD + arguments))
    assert exception_type(connection.frame()) == PROTOCOL_ERROR
    connection.send(ttheader(HEAD + arguments, 9))
    assert exception_type(connection.ttheader().payload) == PROTOCOL_ERROR
    assert lives(connection)
    connection.send(HEAD + arguments)
    connection.half_close()
    assert exception_type(connection.rest()) == PROTOCOL_ERROR


@pytest.mark.parametrize(
    "arguments",
    [
        b"",
        b"\x0c",
        b"\x0c\x00\x01\x0c\x00\x01\x0b\x00\x01\x7f\xff\xff\xff",
        b"\x0f\x00\x09\x0c\x7f\xff\xff\xff",
        b"\x63\x00\x01",
        b"\x0c\x00\x09" * 5000,
    ],
)
def test_arguments_that_cannot_be_read_are_type_7(connection, arguments):
    connection.send(framed(HEAD + arguments))
    assert exception_type(connection.frame()) == PROTOCOL_ERROR
    assert lives(connection)


def test_an_unframed_message_that_cannot_be_read_is_answered_and_ends_the_connection(connection):
    connection.send(HEAD + b"\x63\x00\x01")
    assert exception_type(connection.rest()) == PROTOCOL_ERROR


def test_pulls_argument_is_field_2(connection, chat):
    message = call("Pull", pull_request(chat))
    assert b"Pull\x00\x00\x00\x01\x0c\x00\x02" in message
    connection.send(framed(message))
    assert result("Pull", connection.frame()).Code == CHAT_NOT_FOUND
    connection.send(framed(message.replace(b"\x0c\x00\x02", b"\x0c\x00\x01", 1)))
    assert exception_type(connection.frame()) == PROTOCOL_ERROR


# What is not spoken here ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x00\x00\x00\x04Send\x01\x00\x00\x00\x01\x00",
        framed(b"\x00\x00\x00\x04Send\x01\x00\x00\x00\x01\x00"),
        b"\x82\x21\x01\x05Ready",
        framed(b"\x10\x00" + bytes(5)),
        ttheader(b"", 1),
        ttheader(b"nonsense", 1),
        framed(b"\x80\x01\x00\x01\x00"),
    ],
    ids=[
        "gRPC",
        "HTTP",
        "TLS",
        "unversioned",
        "framed unversioned",
        "unframed compact",
        "short TTHeader",
        "empty payload",
        "no message",
        "half a head",
    ],
)
def test_another_protocol_closes_and_is_logged(start_quiet, data):
    before = len(start_quiet.stderr)
    with RpcConnection(start_quiet.rpc) as connection:
        connection.send(data)
        assert connection.closed()
    eventually(lambda: "the server closes an RPC connection" in start_quiet.stderr[before:], "a line in the log")


@pytest.fixture(scope="module")
def start_quiet(start_shared):
    return start_shared()
