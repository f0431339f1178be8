"""What Accept chooses, and the fields that every answer carries."""

import pytest

from support.errors import check_error
from support.protobuf import MEDIA_TYPE, messages
from support.wire import answers, get, raw

JSON = "application/json"


@pytest.mark.parametrize(
    "accept, expected",
    [
        (None, JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (MEDIA_TYPE, MEDIA_TYPE),
        ("Application/X-Protobuf", MEDIA_TYPE),
        (f"{JSON}, {MEDIA_TYPE}", JSON),
        (f"{MEDIA_TYPE}, {JSON}", JSON),
        (f"{MEDIA_TYPE}, */*;q=0.5", MEDIA_TYPE),
        (f"{JSON};q=0.5, {MEDIA_TYPE}", MEDIA_TYPE),
        (f"{JSON};q=0.5, {MEDIA_TYPE};q=0.9", MEDIA_TYPE),
        (f"{JSON}, {MEDIA_TYPE};q=0.9", JSON),
        (f"{JSON};q=0.5, {MEDIA_TYPE};q=0.5", JSON),
        (f"{MEDIA_TYPE};q=0", JSON),
        (f"{MEDIA_TYPE} ; Q=0.001 , text/html", MEDIA_TYPE),
        ("text/html", JSON),
        ("application/*", JSON),
        (f"application/*;q=0.2, {MEDIA_TYPE};q=0.3", MEDIA_TYPE),
        (f"{JSON};q=0, {MEDIA_TYPE}", MEDIA_TYPE),
        ("", JSON),
        (f"*/*, {MEDIA_TYPE}", JSON),
    ],
)
def test_accept_chooses(client, chat, accept, expected):
    client.send(chat)
    answer = client.get("/api/pull", params={"chat": chat}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == expected


def test_several_accept_fields_are_one_list(deployment, client, chat):
    client.send(chat)
    request = get(f"/api/pull?chat={chat}", f"Accept: {JSON};q=0.1", f"Accept: {MEDIA_TYPE}", "Connection: close")
    (answer,) = answers(raw(deployment.http, request))
    assert answer.header("Content-Type") == MEDIA_TYPE


def test_send_answers_in_protobuf(client, chat):
    answer = client.try_send(chat, key="k", headers={"Accept": MEDIA_TYPE})
    first = messages().SendResponse.FromString(answer.content)
    assert (first.chat, first.duplicate) == (chat, False)
    repeat = client.try_send(chat, key="k", headers={"Accept": MEDIA_TYPE})
    again = messages().SendResponse.FromString(repeat.content)
    assert (again.send_time, again.duplicate) == (first.send_time, True)


def test_pull_answers_in_protobuf(client, chat):
    times = [client.send(chat, text)["send_time"] for text in ("é\0", "2", "3")]
    answer = client.get("/api/pull", params={"chat": chat, "limit": 2}, headers={"Accept": MEDIA_TYPE})
    page = messages().PullResponse.FromString(answer.content)
    sender = chat.split(":")[0]
    assert [(m.chat, m.text, m.sender, m.send_time) for m in page.messages] == [
        (chat, "é\0", sender, times[0]),
        (chat, "2", sender, times[1]),
    ]
    assert page.has_more is True
    assert page.next_cursor == times[1] + 1


def test_errors_are_problem_json_whatever_is_accepted(client):
    answer = client.get("/api/pull", params={"chat": "nobody:nowhere"}, headers={"Accept": MEDIA_TYPE})
    check_error(answer, "chat_not_found")


def test_answers_are_not_stored_and_vary_by_accept(client, chat):
    for answer in (client.try_send(chat), client.try_pull(chat), client.try_pull("nobody:nowhere")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Accept" in [v.strip() for v in answer.headers["Vary"].split(",")]
    assert client.get("/ping").headers["Cache-Control"] == "no-store"


def test_head_of_pull_is_get_without_the_body(deployment, client, chat):
    client.send(chat)
    request = [get(f"/api/pull?chat={chat}", "Connection: close", method=m) for m in ("GET", "HEAD")]
    (whole,) = answers(raw(deployment.http, request[0]))
    (head,) = answers(raw(deployment.http, request[1]), heads=[0])
    assert (head.status, head.header("Content-Length")) == (200, str(len(whole.body)))
    assert head.header("Content-Type") == JSON


def test_head_of_an_error_has_no_body(deployment):
    request = get("/api/pull?chat=nobody:nowhere", "Connection: close", method="HEAD")
    (head,) = answers(raw(deployment.http, request), heads=[0])
    assert (head.status, head.code) == (404, "chat_not_found")


def test_head_of_send_is_not_allowed(client):
    assert client.request("HEAD", "/api/send").status_code == 405
