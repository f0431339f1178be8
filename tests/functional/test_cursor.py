"""Pull's cursor, limit and pages."""

import pytest

from support.errors import check_error
from support.wire import Connection, post


@pytest.fixture(scope="module")
def long_chat(deployment):
    """A chat of 1,005 messages whose texts are 0 … 1004, and their times. Do not send to it."""
    from support.client import new_chat

    chat, sender = new_chat("long")
    times = []
    with Connection(deployment.http) as connection:
        for first in range(0, 1005, 67):
            numbers = range(first, first + 67)
            bodies = ({"chat": chat, "sender": sender, "text": str(n)} for n in numbers)
            connection.send(b"".join(post(body) for body in bodies))
            times += [connection.answer().json()["send_time"] for _ in numbers]
    assert len(times) == 1005
    return chat, times


@pytest.fixture
def five(client, chat):
    return chat, [client.send(chat, str(n))["send_time"] for n in range(5)]


def texts(page):
    return [m["text"] for m in page["messages"]]


def test_is_inclusive(client, five):
    chat, times = five
    assert texts(client.pull(chat, cursor=times[2])) == ["2", "3", "4"]
    assert texts(client.pull(chat, cursor=times[2], reverse="true")) == ["2", "1", "0"]


def test_between_two_messages(client, five):
    chat, times = five
    assert texts(client.pull(chat, cursor=times[1] + 1)) == ["2", "3", "4"]
    assert texts(client.pull(chat, cursor=times[2] - 1, reverse="true")) == ["1", "0"]


def test_zero_or_absent_is_the_oldest_or_in_reverse_the_newest(client, five):
    chat, _ = five
    for cursor in ({}, {"cursor": 0}):
        assert texts(client.pull(chat, **cursor)) == list("01234")
        assert texts(client.pull(chat, reverse="true", **cursor)) == list("43210")


def test_beyond_either_end_is_an_empty_page_that_keeps_the_cursor(client, five):
    chat, times = five
    assert client.pull(chat, cursor=times[4] + 1) == {"messages": [], "has_more": False, "next_cursor": times[4] + 1}
    for cursor in (1, times[0] - 1):
        assert client.pull(chat, cursor=cursor, reverse="true") == {
            "messages": [],
            "has_more": False,
            "next_cursor": cursor,
        }
    assert texts(client.pull(chat, cursor=1)) == list("01234")


def test_next_cursor_follows_the_last_message(client, five):
    chat, times = five
    assert client.pull(chat, limit=2)["next_cursor"] == times[1] + 1
    assert client.pull(chat, limit=2, reverse="true")["next_cursor"] == times[3] - 1
    assert client.pull(chat)["next_cursor"] == times[4] + 1
    assert client.pull(chat, reverse="true")["next_cursor"] == times[0] - 1


@pytest.mark.parametrize("limit, more", [(1, True), (4, True), (5, False), (6, False)])
def test_has_more_says_exactly_whether_the_page_was_cut(client, five, limit, more):
    chat, _ = five
    for reverse in ("false", "true"):
        page = client.pull(chat, limit=limit, reverse=reverse)
        assert page["has_more"] is more
        assert len(page["messages"]) == min(limit, 5)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_paging_to_exhaustion_delivers_each_message_once(client, five, limit, reverse):
    chat, _ = five
    assert client.texts(chat, limit=limit, reverse=reverse) == (list("43210") if reverse else list("01234"))


@pytest.mark.parametrize("reverse", [False, True])
def test_paging_through_a_long_chat_delivers_each_message_once(client, long_chat, reverse):
    chat, times = long_chat
    found = [m["send_time"] for m in client.read_all(chat, limit=97, reverse=reverse)]
    assert found == (times[::-1] if reverse else times)


def test_polling_from_an_empty_page_delivers_what_comes_later_once(client, five):
    chat, _ = five
    cursor = client.pull(chat)["next_cursor"]
    seen = []
    for n in range(3):
        assert client.pull(chat, cursor=cursor)["messages"] == []
        client.send(chat, f"new {n}")
        page = client.pull(chat, cursor=cursor)
        seen += texts(page)
        cursor = page["next_cursor"]
    assert seen == ["new 0", "new 1", "new 2"]


@pytest.mark.parametrize(
    "limit, served", [(None, 10), (0, 10), (1, 1), (10, 10), (999, 999), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)]
)
def test_limit(client, long_chat, limit, served):
    chat, _ = long_chat
    page = client.pull(chat, **({} if limit is None else {"limit": limit}))
    assert texts(page) == [str(n) for n in range(served)]
    assert page["has_more"] is True


@pytest.mark.parametrize("limit", [-1, -(2**31)])
def test_a_negative_limit_is_an_error(client, chat, limit):
    check_error(client.try_pull(chat, limit=limit), "invalid_limit")


@pytest.mark.parametrize("cursor", [-1, -(2**63)])
def test_a_negative_cursor_is_an_error(client, chat, cursor):
    check_error(client.try_pull(chat, cursor=cursor), "invalid_cursor")


def test_a_chat_without_messages_is_not_found(client, chat):
    check_error(client.try_pull(chat), "chat_not_found")
    check_error(client.try_pull(chat, cursor=5, reverse="true"), "chat_not_found")
    client.send(chat)
    assert client.pull(chat, cursor=2**53)["messages"] == []


def test_a_page_is_cut_at_max_page_bytes_of_text(start, client_of, chat):
    client = client_of(start("--max-page-bytes", "1000"))
    for n in range(6):
        client.send(chat, str(n) * 400)
    for reverse, order in ((False, "012345"), (True, "543210")):
        pages = list(client.pages(chat, reverse=reverse))
        assert ["".join(t[0] for t in texts(page)) for page in pages] == [order[:2], order[2:4], order[4:]]
        assert [page["has_more"] for page in pages] == [True, True, False]


def test_a_page_holds_texts_of_exactly_max_page_bytes(start, client_of, chat):
    client = client_of(start("--max-page-bytes", "1000"))
    for text in ("a" * 600, "b" * 400, "c"):
        client.send(chat, text)
    page = client.pull(chat)
    assert ([t[0] for t in texts(page)], page["has_more"]) == (["a", "b"], True)


def test_a_page_holds_at_least_one_message(start, client_of, chat):
    client = client_of(start("--max-page-bytes", "1000"))
    for letter in "abc":
        client.send(chat, letter * 5000)
    assert [t[0] for t in client.texts(chat)] == ["a", "b", "c"]
    page = client.pull(chat)
    assert (len(page["messages"]), page["has_more"]) == (1, True)


def test_a_page_of_the_largest_texts_is_cut_at_one_mebibyte(client, chat):
    for n in range(17):
        client.send(chat, chr(97 + n) * 65536)
    page = client.pull(chat, limit=1000)
    assert (len(page["messages"]), page["has_more"]) == (16, True)
    assert [t[0] for t in client.texts(chat)] == [chr(97 + n) for n in range(17)]
