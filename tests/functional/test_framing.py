"""RFC 9112 framing: what is ambiguous gets exactly one 400 and a closed connection; what is merely unusual works."""

import pytest

from support.client import new_chat
from support.errors import check_error
from support.wire import Closed, Connection, answers, chunked, get, post, raw

SMUGGLED = get("/smuggled", "Connection: close")


def head(*lines):
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


POST = "POST /api/send HTTP/1.1"
HOST = "Host: localhost"
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"

AMBIGUOUS = {
    "transfer-encoding-and-content-length": head(POST, HOST, "Content-Length: 5", "Transfer-Encoding: chunked")
    + b"0\r\n\r\n",
    "content-length-and-transfer-encoding": head(POST, HOST, "Transfer-Encoding: chunked", "Content-Length: 5")
    + b"0\r\n\r\n",
    "transfer-encoding-gzip-chunked": head(POST, HOST, "Transfer-Encoding: gzip, chunked") + CHUNKED,
    "transfer-encoding-chunked-twice": head(POST, HOST, "Transfer-Encoding: chunked, chunked") + CHUNKED,
    "transfer-encoding-in-two-fields": head(POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
    + CHUNKED,
    "transfer-encoding-identity": head(POST, HOST, "Transfer-Encoding: identity"),
    "transfer-encoding-xchunked": head(POST, HOST, "Transfer-Encoding: xchunked") + CHUNKED,
    "transfer-encoding-chunkedx": head(POST, HOST, "Transfer-Encoding: chunkedx") + CHUNKED,
    "transfer-encoding-quoted": head(POST, HOST, 'Transfer-Encoding: "chunked"') + CHUNKED,
    "transfer-encoding-with-parameter": head(POST, HOST, "Transfer-Encoding: chunked;q=1") + CHUNKED,
    "transfer-encoding-vertical-tab": head(POST, HOST, "Transfer-Encoding: \x0bchunked") + CHUNKED,
    "transfer-encoding-empty": head(POST, HOST, "Transfer-Encoding:"),
    "transfer-encoding-comma": head(POST, HOST, "Transfer-Encoding: chunked,") + CHUNKED,
    "transfer-encoding-space-before-colon": head(POST, HOST, "Transfer-Encoding : chunked") + CHUNKED,
    "transfer-encoding-on-http-1.0": head("POST /api/send HTTP/1.0", HOST, "Transfer-Encoding: chunked") + CHUNKED,
    "content-length-differing": head(POST, HOST, "Content-Length: 2", "Content-Length: 3") + b"{} ",
    "content-length-list-differing": head(POST, HOST, "Content-Length: 2, 3") + b"{} ",
    "content-length-negative": head(POST, HOST, "Content-Length: -1"),
    "content-length-plus": head(POST, HOST, "Content-Length: +2") + b"{}",
    "content-length-hexadecimal": head(POST, HOST, "Content-Length: 0x2") + b"{}",
    "content-length-words": head(POST, HOST, "Content-Length: two") + b"{}",
    "content-length-inner-space": head(POST, HOST, "Content-Length: 1 2") + b"{}",
    "content-length-empty": head(POST, HOST, "Content-Length:"),
    "content-length-beyond-64-bits": head(POST, HOST, "Content-Length: 18446744073709551618") + b"{}",
    "content-length-space-before-colon": head(POST, HOST, "Content-Length : 2") + b"{}",
    "no-host": head("GET /ping HTTP/1.1"),
    "two-hosts": head("GET /ping HTTP/1.1", HOST, HOST),
    "two-differing-hosts": head("GET /ping HTTP/1.1", HOST, "Host: 127.0.0.1"),
    "obs-fold": head("GET /ping HTTP/1.1", HOST, "X: a", " b"),
    "obs-fold-with-tab": head("GET /ping HTTP/1.1", HOST, "X: a", "\tb"),
    "obs-fold-of-the-first-line": head("GET /ping HTTP/1.1", " X: a", HOST),
    "bare-lf-after-the-request-line": b"GET /ping HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare-lf-after-a-field": b"GET /ping HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n",
    "bare-lf-at-the-end": b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\n",
    "bare-lf-only": b"GET /ping HTTP/1.1\nHost: localhost\n\n",
    "bare-cr-in-a-value": b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
    "nul-in-a-value": head("GET /ping HTTP/1.1", HOST, "X: a\0b"),
    "nul-in-a-name": head("GET /ping HTTP/1.1", HOST, "X\0: a"),
    "nul-in-the-target": head("GET /pi\0ng HTTP/1.1", HOST),
    "space-before-the-colon": head("GET /ping HTTP/1.1", HOST, "X : a"),
    "no-colon": head("GET /ping HTTP/1.1", HOST, "X"),
    "empty-name": head("GET /ping HTTP/1.1", HOST, ": a"),
    "no-version": head("GET /ping", HOST),
    "nonsense-version": head("GET /ping HTTP/x.y", HOST),
    "nonsense": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "chunk-size-with-sign": head(POST, HOST, "Transfer-Encoding: chunked") + b"+2\r\n{}\r\n0\r\n\r\n",
    "chunk-size-with-prefix": head(POST, HOST, "Transfer-Encoding: chunked") + b"0x2\r\n{}\r\n0\r\n\r\n",
    "chunk-size-empty": head(POST, HOST, "Transfer-Encoding: chunked") + b"\r\n{}\r\n0\r\n\r\n",
    "chunk-size-words": head(POST, HOST, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "chunk-size-beyond-64-bits": head(POST, HOST, "Transfer-Encoding: chunked")
    + b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "chunk-data-longer-than-its-size": head(POST, HOST, "Transfer-Encoding: chunked") + b"1\r\n{}\r\n0\r\n\r\n",
    "chunk-size-ended-by-bare-lf": head(POST, HOST, "Transfer-Encoding: chunked") + b"2\n{}\r\n0\r\n\r\n",
    "chunk-data-ended-by-bare-lf": head(POST, HOST, "Transfer-Encoding: chunked") + b"2\r\n{}\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_framing_is_answered_once_and_closed(deployment, name):
    """What follows in the same bytes is never taken for a request."""
    (answer,) = answers(raw(deployment.http, AMBIGUOUS[name] + SMUGGLED, half_close=False))
    check_error(answer, "malformed_request")
    assert answer.header("Connection") == "close"


@pytest.mark.parametrize("name", ["transfer-encoding-and-content-length", "no-host", "bare-lf-only"])
def test_requests_before_the_ambiguous_one_are_answered(deployment, name):
    found = answers(raw(deployment.http, get() + get() + AMBIGUOUS[name] + SMUGGLED, half_close=False))
    assert [a.status for a in found] == [200, 200, 400]


def test_template_mode_refuses_ambiguous_framing_in_plain_text(start):
    running = start("--http-errors", "template")
    (answer,) = answers(raw(running.http, AMBIGUOUS["two-hosts"] + SMUGGLED, half_close=False))
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert answer.header("Content-Type").startswith("text/plain")


def test_an_unknown_major_version_is_refused_and_closed(deployment):
    (answer,) = answers(raw(deployment.http, head("GET /ping HTTP/2.0", HOST) + SMUGGLED, half_close=False))
    assert answer.status in (400, 505)


@pytest.fixture
def body():
    chat, sender = new_chat()
    return {"chat": chat, "sender": sender, "text": "hi"}


def sent(deployment, request):
    """The one answer to `request` on a connection that then closes."""
    (answer,) = answers(raw(deployment.http, request))
    assert answer.status == 200, answer.body
    return answer.json()


def as_json(body):
    return post(body).split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("spelling", ["chunked", "Chunked", "CHUNKED", "  chunked  "])
def test_chunked(deployment, client, body, spelling):
    request = head(POST, HOST, f"Transfer-Encoding:{spelling}") + chunked(as_json(body))
    assert sent(deployment, request)["chat"] == body["chat"]
    assert client.texts(body["chat"]) == ["hi"]


def test_chunked_with_extensions_and_trailers(deployment, client, body):
    chunks = chunked(as_json(body), extension=';name="a;b";x=1', trailers=["X-Checksum: abc", "Content-Length: 3"])
    with Connection(deployment.http) as connection:
        for _ in range(2):
            connection.send(head(POST, HOST, "Transfer-Encoding: chunked", "Trailer: X-Checksum") + chunks)
            assert connection.answer().status == 200
    assert client.texts(body["chat"]) == ["hi", "hi"]


def test_a_trailer_is_no_header(deployment, client, body):
    chunks = chunked(as_json(body), trailers=["Idempotency-Key: k", "Host: evil.example", "X-Request-Id: trailer"])
    request = head(POST, HOST, "Transfer-Encoding: chunked") + chunks
    for _ in range(2):
        (answer,) = answers(raw(deployment.http, request))
        assert answer.json()["duplicate"] is False
        assert answer.header("X-Request-Id") != "trailer"


def test_equal_content_lengths_are_refused_or_one_length(deployment, body):
    data = as_json(body)
    length = f"Content-Length: {len(data)}"
    found = answers(raw(deployment.http, head(POST, HOST, length, length) + data))
    assert [a.status for a in found] in ([200], [400])


def test_pipelined_requests_are_answered_in_order(deployment, client, body):
    bodies = [dict(body, text=str(n)) for n in range(100)]
    with Connection(deployment.http) as connection:
        connection.send(b"".join(post(one) for one in bodies) + get(f"/api/pull?limit=1000&chat={body['chat']}"))
        times = [connection.answer().json()["send_time"] for _ in bodies]
        page = connection.answer().json()
    assert times == sorted(set(times))
    assert [m["text"] for m in page["messages"]] == [str(n) for n in range(100)]


def test_pipelined_requests_of_all_kinds_are_answered_in_order(deployment, body):
    requests = [
        get(),
        post(b"{"),
        get("/nowhere"),
        post(body),
        get("/ping", method="HEAD"),
        get("/api/pull?chat=group"),
        head(POST, HOST, "Transfer-Encoding: chunked") + chunked(as_json(body)),
        get("/ping", "Connection: close"),
    ]
    found = answers(raw(deployment.http, b"".join(requests), half_close=False), heads=[4])
    assert [a.status for a in found] == [200, 400, 404, 200, 200, 400, 200, 200]


def test_a_client_that_reads_late_gets_every_answer(deployment, client, body):
    client.send(body["chat"], "x" * 20_000)
    pulls = 500  # far more bytes in all than the sockets hold
    with Connection(deployment.http, receive_buffer=4096) as connection:
        connection.send(get(f"/api/pull?chat={body['chat']}") * pulls)
        connection.half_close()
        pages = [connection.answer().json() for _ in range(pulls)]
        assert connection.closed()
    assert all(page == pages[0] and len(page["messages"]) == 1 for page in pages)


def test_100_continue_comes_after_the_answers_before_it(deployment, body):
    data = as_json(body)
    with Connection(deployment.http) as connection:
        connection.send(get() + head(POST, HOST, f"Content-Length: {len(data)}", "Expect: 100-continue"))
        assert [connection.answer().status for _ in range(2)] == [200, 100]
        connection.send(data)
        assert connection.answer().status == 200


def test_nothing_after_connection_close_is_answered(deployment):
    found = answers(raw(deployment.http, get("/ping", "Connection: close") + get() + get(), half_close=False))
    assert [a.status for a in found] == [200]
    assert found[0].header("Connection") == "close"


def test_keep_alive_is_the_default_of_http_1_1(deployment):
    with Connection(deployment.http) as connection:
        for _ in range(5):
            connection.send(get())
            assert connection.answer().status == 200
        assert connection.is_open()


def test_http_1_0_closes(deployment):
    with Connection(deployment.http) as connection:
        connection.send(get(version="HTTP/1.0"))
        assert connection.answer().status == 200
        assert connection.closed()


def test_http_1_0_needs_no_host(deployment):
    (answer,) = answers(raw(deployment.http, head("GET /ping HTTP/1.0"), half_close=False))
    assert answer.status == 200


def test_http_1_0_with_keep_alive_stays(deployment):
    with Connection(deployment.http) as connection:
        for _ in range(3):
            connection.send(get("/ping", "Connection: keep-alive", version="HTTP/1.0"))
            answer = connection.answer()
            assert answer.status == 200
            assert answer.header("Connection").lower() == "keep-alive"


def test_expect_100_continue_is_answered_before_the_body(deployment, body):
    data = as_json(body)
    with Connection(deployment.http) as connection:
        connection.send(head(POST, HOST, f"Content-Length: {len(data)}", "Expect: 100-continue"))
        assert connection.answer().status == 100
        connection.send(data)
        assert connection.answer().status == 200
        connection.send(get())
        assert connection.answer().status == 200


def test_expect_100_continue_with_a_body_already_there_is_answered(deployment, body):
    data = as_json(body)
    with Connection(deployment.http) as connection:
        connection.send(head(POST, HOST, f"Content-Length: {len(data)}", "Expect: 100-Continue") + data)
        answer = connection.answer()
        if answer.status == 100:
            answer = connection.answer()
        assert answer.status == 200


def test_expect_of_a_body_too_large_is_refused_without_a_continue(deployment):
    with Connection(deployment.http) as connection:
        connection.send(head(POST, HOST, "Content-Length: 100000000", "Expect: 100-continue"))
        check_error(connection.answer(), "body_too_large")


def test_a_half_closed_client_gets_its_answers(deployment, body):
    with Connection(deployment.http) as connection:
        connection.send(post(body) + get())
        connection.half_close()
        assert [connection.answer().status, connection.answer().status] == [200, 200]
        assert connection.closed()


def test_a_client_that_closes_inside_a_request_harms_nobody(deployment, client, body):
    whole = post(body)
    for cut in (1, 20, whole.index(b"\r\n\r\n") + 2, len(whole) - 1):
        with Connection(deployment.http) as connection:
            connection.send(whole[:cut])
            connection.half_close()
            connection.rest()
    check_error(client.try_pull(body["chat"]), "chat_not_found")


def test_byte_by_byte(deployment, body):
    whole = post(body) + head(POST, HOST, "Transfer-Encoding: chunked") + chunked(as_json(body), trailers=["X: y"])
    with Connection(deployment.http) as connection:
        for byte in whole:
            connection.send(bytes([byte]))
        assert [connection.answer().status, connection.answer().status] == [200, 200]


def test_empty_lines_before_a_request_are_skipped_or_refused(deployment):
    """RFC 9112 2.2: a server SHOULD skip at least one."""
    (answer,) = answers(raw(deployment.http, b"\r\n" + get("/ping", "Connection: close"), half_close=False))
    assert answer.status == 200


def test_the_absolute_form_is_understood(deployment):
    """RFC 9112 3.2.2: a server MUST accept it."""
    (answer,) = answers(raw(deployment.http, head("GET http://localhost/ping HTTP/1.1", HOST)))
    assert answer.status == 200


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_the_authority_of_an_absolute_form_takes_the_place_of_host(deployment, version):
    """RFC 9112 3.2.2: whatever Host says, and the rule on Host is about it."""
    for target, host, status in (
        ("http://localhost/ping", "evil.example", 200),
        ("http://127.0.0.1:1/ping", "localhost", 200),
        ("http://evil.example/ping", "localhost", 403),
    ):
        request = head(f"GET {target} {version}", f"Host: {host}", "Connection: close")
        (answer,) = answers(raw(deployment.http, request, half_close=False))
        assert answer.status == status, (target, host)


def test_an_origin_is_the_servers_own_by_the_authority(deployment):
    fields = ("Host: localhost", "Origin: http://127.0.0.1:81", "Connection: close")
    (answer,) = answers(raw(deployment.http, head("GET http://127.0.0.1:81/ping HTTP/1.1", *fields)))
    assert answer.status == 200
    (answer,) = answers(raw(deployment.http, head("GET /ping HTTP/1.1", *fields)))
    check_error(answer, "origin_not_allowed")


# A trailing slash -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [False, True])
def test_a_known_path_with_a_trailing_slash_is_redirected(start_shared, template):
    running = start_shared(*(["--http-errors", "template"] if template else []))
    with Connection(running.http) as connection:
        for method, path, status, location in (
            ("GET", "/api/pull/?chat=a:b&limit=%31", 301, "/api/pull?chat=a:b&limit=%31"),
            ("HEAD", "/ping/", 301, "/ping"),
            ("POST", "/api/send/?chat=a:b", 307, "/api/send?chat=a:b"),
            ("GET", "/docs/", 301, "/docs"),
        ):
            connection.send(get(path, method=method))
            answer = connection.answer(head=method == "HEAD")
            assert (answer.status, answer.header("Location"), answer.body) == (status, location, b"")


def test_a_client_that_follows_the_redirect_sends_and_pulls(client, body):
    answer = client.post("/api/send/", json=body)
    assert [answer.status_code, [a.status_code for a in answer.history]] == [200, [307]]
    answer = client.get("/api/pull/", params={"chat": body["chat"]})
    assert [m["text"] for m in answer.json()["messages"]] == ["hi"]


def test_a_redirect_is_no_way_around_the_rules_for_web_pages(deployment):
    for fields, host in ((("Origin: https://evil.example",), "localhost"), ((), "evil.example")):
        with Connection(deployment.http) as connection:
            connection.send(get("/api/pull/", *fields, host=host))
            check_error(connection.answer(), "origin_not_allowed")


# The end of a connection ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("idle, timeout", [("75s", "timeout=74"), ("2500ms", "timeout=1"), ("1900ms", None)])
def test_keep_alive_says_a_time_before_the_idle_timeout(start_shared, idle, timeout):
    running = start_shared("--idle-timeout", idle)
    with Connection(running.http) as connection:
        connection.send(get() + get("/ping", "Connection: close"))
        answer = connection.answer()
        assert (answer.header("Connection"), answer.header("Keep-Alive")) == ("keep-alive", timeout)
        answer = connection.answer()
        assert (answer.header("Connection"), answer.header("Keep-Alive")) == ("close", None)


def test_a_body_on_head_or_delete_is_consumed(deployment):
    request = head("DELETE /ping HTTP/1.1", HOST, "Content-Length: 5") + b"GET /" + get("/ping", "Connection: close")
    found = answers(raw(deployment.http, request, half_close=False))
    assert [a.status for a in found] == [405, 200]


def test_connect_and_unknown_methods_are_refused(deployment):
    for method in ("CONNECT", "TRACE", "BREW", "get"):
        with Connection(deployment.http) as connection:
            connection.send(get("/ping", method=method))
            assert connection.answer().status in (400, 404, 405, 501), method


def test_a_server_that_was_sent_garbage_goes_on(deployment):
    for data in (b"\0" * 100, b"\r\n" * 100, b"\xff" * 1000, b"A" * 70000, b"GET / HTTP/1.1\r\n" * 5):
        try:
            answers(raw(deployment.http, data))
        except Closed:
            pass
    assert answers(raw(deployment.http, get()))[0].status == 200
