"""X-Request-Id: taken from the request, or made."""

import pytest

from support.wire import Connection, get


def test_is_echoed(client):
    assert client.get("/ping", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"


def test_is_echoed_with_an_error(client):
    answer = client.try_pull("group")
    assert answer.headers["X-Request-Id"]
    answer = client.get("/api/pull", headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (400, "mine")


def test_is_made_where_the_request_has_none_and_each_is_another(client):
    made = [client.get("/ping").headers["X-Request-Id"] for _ in range(20)]
    assert len(set(made)) == 20
    assert all(made)


@pytest.mark.parametrize("unusable", ["", "x" * 10_000, "a\tb\x80"], ids=["empty", "long", "not-printable"])
def test_an_unusable_one_is_replaced(deployment, unusable):
    with Connection(deployment.http) as connection:
        connection.send(get("/ping", f"X-Request-Id: {unusable}"))
        answer = connection.answer()
    assert answer.status == 200
    assert answer.header("X-Request-Id") not in (None, "", unusable)
