"""Web pages must not reach a server that did not invite them: Origin, Host and CORS."""

import pytest

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
    assert {"content-type", "idempotency-key"} <= allowed


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
    "host", ["localhost", "localhost:1234", "LOCALHOST", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080"]
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
