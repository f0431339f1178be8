"""Limits of time on a connection."""

import time

import pytest

from support.build import duration, scaled
from support.errors import check_error
from support.wire import Connection, chunked, get, post

SHORT = 0.5


@pytest.fixture(scope="module")
def hasty(start_shared):
    return start_shared(
        "--header-timeout", duration(SHORT), "--body-timeout", duration(SHORT), "--idle-timeout", duration(SHORT)
    )


def cut(connection, began):
    """The connection is closed, and not before its time."""
    assert connection.closed()
    assert time.monotonic() - began >= scaled(SHORT) * 0.8
    return True


def test_an_idle_connection_is_closed_without_a_word(hasty):
    with Connection(hasty.http) as connection:
        connection.send(get())
        assert connection.answer().status == 200
        assert cut(connection, time.monotonic())


def test_a_connection_that_never_sends_is_closed(hasty):
    with Connection(hasty.http) as connection:
        began = time.monotonic()
        rest = connection.rest()
        assert rest == b"" or b" 408 " in rest.split(b"\r\n")[0]
        assert time.monotonic() - began >= scaled(SHORT) * 0.8


@pytest.mark.parametrize("part", [b"G", b"GET /ping HTTP/1.1\r\n", b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_header_that_does_not_end_is_a_request_timeout(hasty, part):
    with Connection(hasty.http) as connection:
        began = time.monotonic()
        connection.send(part)
        check_error(connection.answer(), "request_timeout")
        assert cut(connection, began)


def test_a_header_that_dribbles_is_cut_too(hasty):
    """The limit is for the whole header: a byte now and then does not lengthen it."""
    with Connection(hasty.http) as connection:
        began = time.monotonic()
        connection.send(b"GET /ping HTTP/1.1\r\nX: ")
        while connection.is_open() and time.monotonic() - began < scaled(20):
            connection.send_while_taken(b"x")
            time.sleep(0.05)
        check_error(connection.answer(), "request_timeout")


@pytest.mark.parametrize(
    "request_",
    [
        post(b"{}")[:-1],
        post(b"", "Transfer-Encoding: chunked", length=False),
        post(b"", "Transfer-Encoding: chunked", length=False) + chunked(b"{}")[:-2],
    ],
)
def test_a_body_that_does_not_end_is_a_request_timeout(hasty, request_):
    with Connection(hasty.http) as connection:
        began = time.monotonic()
        connection.send(request_)
        check_error(connection.answer(), "request_timeout")
        assert cut(connection, began)


def test_a_second_request_that_does_not_end_is_a_request_timeout(hasty):
    with Connection(hasty.http) as connection:
        connection.send(get() + b"GET /pi")
        assert connection.answer().status == 200
        check_error(connection.answer(), "request_timeout")


def test_a_busy_connection_outlives_the_idle_timeout(hasty):
    with Connection(hasty.http) as connection:
        began = time.monotonic()
        while time.monotonic() - began < scaled(SHORT) * 2.5:
            connection.send(get())
            assert connection.answer().status == 200
            time.sleep(0.02)
