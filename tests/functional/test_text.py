"""What a text may be, and that it survives unchanged."""

import pytest

from support.errors import check_error
from support.protobuf import MEDIA_TYPE, messages

LIMIT = 64 * 1024


def size(text):
    """A test's name for a long text."""
    return f"{len(text.encode())} bytes of {text[0]!a}"


SURVIVORS = [
    "x",
    " ",
    "\n",
    "\0",
    "a\0b",
    "\x01\x1f\x7f\x80",
    "\U0001f469\u200d\U0001f680",
    "e\u0301",
    "\ufeff",
    "\uffff",
    "\U0010ffff",
    '"\\/\b\f\n\r\t',
    "</script>",
    "\u2028\u2029",
    "  padded  ",
    "\r\n\r\n",
    "%00+&=",
    "日本語" * 100,
]


@pytest.mark.parametrize("text", SURVIVORS, ids=ascii)
def test_any_text_survives_json(client, chat, text):
    client.send(chat, text)
    assert client.texts(chat) == [text]


@pytest.mark.parametrize("text", SURVIVORS, ids=ascii)
def test_any_text_survives_form_query_and_protobuf(client, chat, text):
    fields = {"chat": chat, "sender": chat.split(":")[0], "text": text}
    body = messages().SendRequest(**fields).SerializeToString()
    assert client.post("/api/send", data=fields).status_code == 200
    assert client.post("/api/send", params=fields).status_code == 200
    assert client.post("/api/send", data=body, headers={"Content-Type": MEDIA_TYPE}).status_code == 200
    assert client.texts(chat) == [text] * 3
    answer = client.get("/api/pull", params={"chat": chat}, headers={"Accept": MEDIA_TYPE})
    assert [m.text for m in messages().PullResponse.FromString(answer.content).messages] == [text] * 3


@pytest.mark.parametrize("text", ["x" * LIMIT, "é" * (LIMIT // 2), "\U0001f600" * (LIMIT // 4), "\0" * LIMIT], ids=size)
def test_a_text_of_the_limit_is_taken(client, chat, text):
    """NULs are the worst case: each is six bytes of JSON, \\u0000."""
    client.send(chat, text)
    assert client.texts(chat) == [text]


@pytest.mark.parametrize("text", ["x" * (LIMIT + 1), "é" * (LIMIT // 2) + "x", "\0" * (LIMIT + 1)], ids=size)
def test_one_byte_more_is_too_long(client, chat, text):
    check_error(client.try_send(chat, text), "text_too_long")
    check_error(client.try_pull(chat), "chat_not_found")


def test_the_empty_or_absent_text_is_invalid(client, chat):
    check_error(client.try_send(chat, ""), "invalid_text")
    check_error(client.post("/api/send", json={"chat": chat, "sender": chat.split(":")[0]}), "invalid_text")


def test_max_text_moves_the_limit(start, client_of, chat):
    client = client_of(start("--max-text", "10"))
    client.send(chat, "x" * 10)
    check_error(client.try_send(chat, "x" * 11), "text_too_long")


def test_max_text_raises_the_limit_and_the_bodys_with_it(start, client_of, chat):
    client = client_of(start("--max-text", "1MiB"))
    text = "\1" * (1 << 20)
    client.send(chat, text)
    assert client.texts(chat) == [text]
    check_error(client.try_send(chat, text + "x"), "text_too_long")
