"""GET /ping."""

import pytest

from support.wire import answers, get, raw


def test_ping_answers_pong(client):
    answer = client.get("/ping")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.json() == {"message": "pong"}


@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_ping_tells_how_durable_an_acknowledgement_is(start, client_of, durability):
    answer = client_of(start("--durability", durability)).get("/ping")
    assert answer.headers["Parley-Durability"] == durability


def test_ping_tells_that_memory_keeps_nothing(start, client_of):
    assert client_of(start("--store", "memory:")).get("/ping").headers["Parley-Durability"] == "memory"


def test_ping_ignores_its_query(client):
    assert client.get("/ping?x=%zz&chat=").status_code == 200


def test_head_of_ping_has_the_fields_of_get_and_no_body(deployment):
    (whole,) = answers(raw(deployment.http, get("/ping", "Connection: close")))
    (head,) = answers(raw(deployment.http, get("/ping", "Connection: close", method="HEAD")), heads=[0])
    assert head.status == 200
    assert head.header("Content-Length") == str(len(whole.body))
    assert head.header("Content-Type") == whole.header("Content-Type")
