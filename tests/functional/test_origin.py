"""Web pages must not reach a server that did not invite them: Origin, Host and CORS."""

import pytest

from support.command import parley
from support.errors import check_error
from support.wire import Connection, get

APP = "https://app.example"


def ask(deployment, *fields, path="/ping", host=None, method="GET"):
    with Connection(deployment.http) as connection:
        connection.send(get(path, *fields, host=host or f"localhost:{deployment.http[1]}", method=method))
        return connection.answer(head=method == "HEAD")


# Origin --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        APP,
        "http://evil.example",
        "null",
        "http://localhost.evil.example",
        "nonsense",
        "http://localhost:1",
        "https://localhost:{port}",
    ],
)
def test_a_foreign_origin_is_refused(deployment, origin):
    origin = origin.format(port=deployment.http[1])
    answer = ask(deployment, f"Origin: {origin}")
    check_error(answer, "origin_not_allowed")
    assert answer.header("Access-Control-Allow-Origin") is None


def test_a_send_of_a_foreign_origin_stores_nothing(client, chat):
    body = {"chat": chat, "sender": chat.split(":")[0], "text": "x"}
    check_error(client.post("/api/send", json=body, headers={"Origin": APP}), "origin_not_allowed")
    check_error(client.post("/api/send", data=body, headers={"Origin": APP}), "origin_not_allowed")
    check_error(client.try_pull(chat), "chat_not_found")


def test_the_servers_own_origin_is_taken(deployment):
    port = deployment.http[1]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}"):
        assert ask(deployment, f"Origin: http://{host}", host=host).status == 200


def test_a_foreign_preflight_is_refused(deployment):
    answer = ask(
        deployment, f"Origin: {APP}", "Access-Control-Request-Method: POST", method="OPTIONS", path="/api/send"
    )
    check_error(answer, "origin_not_allowed")


@pytest.fixture(scope="module")
def inviting(start_shared):
    return start_shared("--allow-origin", APP, "--allow-origin", "http://other.example:8000")


@pytest.mark.parametrize("origin", [APP, "http://other.example:8000"])
def test_an_allowed_origin_gets_cors(inviting, origin):
    answer = ask(inviting, f"Origin: {origin}")
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") == origin
    assert "origin" in answer.header("Vary").lower()


def test_an_allowed_origin_gets_cors_on_errors_too(inviting):
    answer = ask(inviting, f"Origin: {APP}", path="/api/pull?chat=group")
    check_error(answer, "invalid_chat")
    assert answer.header("Access-Control-Allow-Origin") == APP


def test_an_allowed_preflight_is_answered(inviting):
    answer = ask(
        inviting,
        f"Origin: {APP}",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type, idempotency-key",
        method="OPTIONS",
        path="/api/send",
    )
    assert answer.status in (200, 204)
    assert answer.header("Access-Control-Allow-Origin") == APP
    assert "POST" in answer.header("Access-Control-Allow-Methods")
    allowed = {name.strip().lower() for name in answer.header("Access-Control-Allow-Headers").split(",")}
    assert allowed == {"authorization", "content-type", "idempotency-key", "last-event-id", "traceparent"}


def test_a_page_may_read_what_errors_say(inviting):
    answer = ask(inviting, f"Origin: {APP}", path="/api/pull?chat=group")
    exposed = {name.strip().lower() for name in answer.header("Access-Control-Expose-Headers").split(",")}
    assert exposed == {"parley-code", "retry-after", "www-authenticate", "x-request-id"}


def test_a_preflight_with_a_trailing_slash_is_answered_and_the_redirect_is_readable(inviting):
    origin = f"Origin: {APP}"
    answer = ask(inviting, origin, "Access-Control-Request-Method: POST", method="OPTIONS", path="/api/send/")
    assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (204, APP)
    answer = ask(inviting, origin, method="POST", path="/api/send/")
    assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (307, APP)


# Sec-Fetch-Site -------------------------------------------------------------------------------------------------------


def test_a_call_of_another_site_needs_an_allowed_origin(inviting):
    site = "Sec-Fetch-Site: cross-site"
    for path in ("/api/pull?chat=a:b", "/api/pull/", "/api/nothing"):
        check_error(ask(inviting, site, path=path), "origin_not_allowed")
    assert ask(inviting, site, f"Origin: {APP}", path="/api/pull?chat=a:b").status == 404
    assert ask(inviting, site, path="/docs").status == 200, "a link may lead to the page"
    for other in ("same-origin", "same-site", "none"):
        assert ask(inviting, f"Sec-Fetch-Site: {other}", path="/api/pull?chat=a:b").status == 404


def test_an_origin_with_a_star_is_every_name_of_the_domain(start):
    running = start("--allow-origin", "https://*.app.example", "--allow-origin", "https://one.example:443")
    for origin in ("https://a.app.example", "https://b.a.app.example", "https://one.example"):
        assert ask(running, f"Origin: {origin}").header("Access-Control-Allow-Origin") == origin
    for origin in ("https://app.example", "https://a.app.example.evil", "http://a.app.example"):
        check_error(ask(running, f"Origin: {origin}"), "origin_not_allowed")


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.evil",
        "http://app.example",
        "https://app.example:444",
        "null",
        "https://APP.example.",
        "https://sub.app.example",
    ],
)
def test_other_origins_stay_refused_beside_an_allowed_one(inviting, origin):
    check_error(ask(inviting, f"Origin: {origin}"), "origin_not_allowed")


def test_a_star_allows_any_origin(start):
    running = start("--allow-origin", "*")
    answer = ask(running, "Origin: https://anything.example")
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") in ("*", "https://anything.example")


# Host ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:1234",
        "LOCALHOST",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:8080",
        "localhost.",
        "localhost.:8080",
    ],
)
def test_loopback_names_are_taken_as_host(deployment, host):
    assert ask(deployment, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.168.0.1",
        "0.0.0.0",
        "xlocalhost",
    ],
)
def test_a_foreign_host_is_refused_on_loopback(deployment, host):
    check_error(ask(deployment, host=host), "origin_not_allowed")


def test_allow_host_adds_a_name(start):
    running = start("--allow-host", "chat.example")
    for host in ("chat.example", "chat.example:443", "Chat.Example", "localhost"):
        assert ask(running, host=host).status == 200, host
    check_error(ask(running, host="evil.example"), "origin_not_allowed")


def test_allow_host_with_a_star_is_every_name_of_the_domain(start):
    running = start("--allow-host", "*.chat.example")
    for host in ("a.chat.example", "b.a.chat.example:443", "A.Chat.Example."):
        assert ask(running, host=host).status == 200, host
    for host in ("chat.example", "a.chat.example.evil", "achat.example"):
        check_error(ask(running, host=host), "origin_not_allowed")


@pytest.mark.parametrize(
    "option, value, example",
    [
        ("--allow-host", "chat.*.example", "*.chat.example"),
        ("--allow-host", "https://chat.example", "chat.example"),
        ("--allow-host", "bücher.example", "chat.example"),
        ("--allow-origin", "https://chat.*.example", "https://*.chat.example"),
        ("--allow-origin", "https://chat.example/", "https://chat.example"),
        ("--allow-origin", "chat.example", "https://chat.example"),
    ],
)
def test_what_would_never_match_is_refused_at_the_start(tmp_path, option, value, example):
    outcome = parley("serve", "--store", "memory:", "--http", "127.0.0.1:0", option, value, cwd=tmp_path)
    assert outcome.code == 2
    assert option in outcome.err and example in outcome.err


def test_allow_host_star_takes_any(start):
    assert ask(start("--allow-host", "*"), host="anything.example").status == 200


def test_a_listener_open_to_the_world_takes_any_host(start):
    running = start("--http", "0.0.0.0:0", "--allow-anonymous")
    running.http = ("127.0.0.1", running.http[1])
    assert ask(running, host="anything.example").status == 200


def test_admin_refuses_foreign_hosts_and_origins_too(deployment):
    with Connection(deployment.admin) as connection:
        connection.send(get("/metrics", host="evil.example"))
        check_error(connection.answer(), "origin_not_allowed")
    with Connection(deployment.admin) as connection:
        connection.send(get("/metrics", f"Origin: {APP}"))
        check_error(connection.answer(), "origin_not_allowed")
