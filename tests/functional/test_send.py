"""POST /api/send: how a request may be written, and what is answered."""

import gzip
import json

import pytest

from support.errors import check_error
from support.protobuf import MEDIA_TYPE, messages

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def member(chat):
    return chat.split(":")[0]


def fields(chat, text="hi", **more):
    return {"chat": chat, "text": text, "sender": member(chat), **more}


def stored(client, chat):
    return [(m["text"], m["sender"]) for m in client.read_all(chat)]


def test_answers_with_every_field(client, chat):
    answer = client.try_send(chat, "hi")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == JSON
    body = answer.json()
    assert sorted(body) == ["chat", "duplicate", "send_time"]
    assert body["chat"] == chat
    assert body["duplicate"] is False
    assert type(body["send_time"]) is int and 10**6 <= body["send_time"] < 2**53
    assert stored(client, chat) == [("hi", member(chat))]


def test_json_body(client, chat):
    assert client.post("/api/send", json=fields(chat)).status_code == 200
    assert stored(client, chat) == [("hi", member(chat))]


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON", None])
def test_body_is_json_under_the_content_type(client, chat, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.post("/api/send", data=json.dumps(fields(chat)).encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert stored(client, chat) == [("hi", member(chat))]


@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=UTF-8"])
def test_form_body(client, chat, content_type):
    answer = client.post("/api/send", data=fields(chat, "a b&c=d+é"), headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert stored(client, chat) == [("a b&c=d+é", member(chat))]


def test_protobuf_body(client, chat):
    body = messages().SendRequest(**fields(chat, "über")).SerializeToString()
    answer = client.post("/api/send", data=body, headers={"Content-Type": MEDIA_TYPE})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == JSON
    assert stored(client, chat) == [("über", member(chat))]


def test_protobuf_body_with_unknown_fields(client, chat):
    body = messages().SendRequest(**fields(chat)).SerializeToString() + b"\xfa\x07\x03abc" + b"\xf0\x07\x05"
    assert client.post("/api/send", data=body, headers={"Content-Type": MEDIA_TYPE}).status_code == 200


def test_query_string_alone(client, chat):
    assert client.post("/api/send", params=fields(chat, "a b+c é")).status_code == 200
    assert stored(client, chat) == [("a b+c é", member(chat))]


def test_plus_in_a_query_is_a_space(client, chat):
    a = member(chat)
    assert client.post(f"/api/send?chat={chat}&sender={a}&text=a+b%2Bc").status_code == 200
    assert stored(client, chat) == [("a b+c", a)]


def to_receiver(pair, **more):
    sender, receiver = pair.split(":")
    return {"sender": sender, "receiver": receiver, "text": "hi", **more}


def test_the_assignments_own_example_is_stored(client, chat):
    ann, ben = chat.split(":")
    answer = client.post(f"/api/send?sender={ann}&receiver={ben}&text=hi")
    assert answer.status_code == 200, answer.text
    assert answer.json()["chat"] == chat
    assert stored(client, chat) == [("hi", ann)]


@pytest.mark.parametrize("kind", ["json", "form", "protobuf"])
def test_receiver_stands_for_the_chat_in_every_encoding(client, chat, kind):
    body, content_type = encode(kind, to_receiver(chat))
    answer = client.post("/api/send", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert stored(client, chat) == [("hi", member(chat))]


def test_a_chat_beside_the_receiver_must_be_theirs(client, chat):
    both = to_receiver(chat, chat=":".join(reversed(chat.split(":"))))
    assert client.post("/api/send", params=both).json()["chat"] == chat
    problem = check_error(client.post("/api/send", json={**both, "chat": "x:y"}), "invalid_chat")
    assert "receiver" in problem["detail"]
    assert stored(client, chat) == [("hi", member(chat))]


@pytest.mark.parametrize("template", [False, True])
def test_a_receiver_that_makes_no_chat_is_refused(start_shared, client_of, template):
    client = client_of(start_shared(*(["--http-errors", "template"] if template else [])))
    check_error(client.post("/api/send?receiver=ben&text=hi"), "sender_not_in_chat", template)
    check_error(client.post("/api/send?sender=ann&receiver=ann:ben&text=hi"), "invalid_chat", template)
    check_error(client.post("/api/send?sender=ann&receiver=%20&text=hi"), "invalid_chat", template)
    assert client.post("/api/send?sender=ann&receiver=ben&text=hi").status_code == 200


@pytest.mark.parametrize("kind", ["json", "form", "protobuf"])
def test_body_and_query_may_be_mixed(client, chat, kind):
    rest = {"text": "from the body"}
    body, content_type = encode(kind, rest)
    query = {"chat": chat, "sender": member(chat)}
    answer = client.post("/api/send", params=query, data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert stored(client, chat) == [("from the body", member(chat))]


@pytest.mark.parametrize("kind", ["json", "form", "protobuf"])
def test_the_body_wins_over_the_query(client, chat, kind):
    body, content_type = encode(kind, fields(chat, "from the body"))
    query = {"chat": "x:y", "sender": "x", "text": "from the query"}
    answer = client.post("/api/send", params=query, data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert stored(client, chat) == [("from the body", member(chat))]


def encode(kind, values):
    if kind == "json":
        return json.dumps(values).encode(), JSON
    if kind == "form":
        return "&".join(f"{k}={v.replace(' ', '+').replace(':', '%3A')}" for k, v in values.items()), FORM
    return messages().SendRequest(**values).SerializeToString(), MEDIA_TYPE


def test_of_a_repeated_parameter_the_last_counts_in_a_query(client, chat):
    a = member(chat)
    assert client.post(f"/api/send?text=1&text=2&chat=x:y&chat={chat}&sender=x&sender={a}").status_code == 200
    assert stored(client, chat) == [("2", a)]


def test_of_a_repeated_parameter_the_last_counts_in_a_form(client, chat):
    a = member(chat)
    body = f"text=1&chat={chat}&sender={a}&text=2"
    assert client.post("/api/send", data=body, headers={"Content-Type": FORM}).status_code == 200
    assert stored(client, chat) == [("2", a)]


def test_of_a_repeated_key_the_last_counts_in_json(client, chat):
    body = '{"text":"1","chat":"%s","sender":"%s","Text":"2"}' % (chat, member(chat))
    assert client.post("/api/send", data=body, headers={"Content-Type": JSON}).status_code == 200
    assert stored(client, chat) == [("2", member(chat))]


def test_json_keys_match_case_insensitively(client, chat):
    body = {"Chat": chat, "TEXT": "hi", "sEnDeR": member(chat), "Idempotency_Key": "k"}
    assert client.post("/api/send", json=body).json()["duplicate"] is False
    assert client.post("/api/send", json=body).json()["duplicate"] is True
    assert stored(client, chat) == [("hi", member(chat))]


def test_unknown_json_keys_are_ignored(client, chat):
    body = fields(chat, unknown={"deep": [1, None, {"x": 1.5e300}]}, send_time=5, **{"": 0})
    assert client.post("/api/send", json=body).status_code == 200


def test_null_is_absent(client, chat):
    body = fields(chat, idempotency_key=None)
    assert client.post("/api/send", json=body).status_code == 200
    check_error(client.post("/api/send", json=fields(chat, text=None)), "invalid_text")
    assert client.post("/api/send?text=query", json=fields(chat, text=None)).status_code == 200
    assert client.texts(chat) == ["hi", "query"]


@pytest.mark.parametrize("value", [1, 1.5, True, False, ["hi"], {"a": 1}])
def test_a_string_field_of_another_json_type_is_malformed(client, chat, value):
    check_error(client.post("/api/send", json=fields(chat, text=value)), "malformed_request")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b"true",
        b'{"chat":"a:b",}',
        b"{'chat':1}",
        b'{"chat":"a:b"} x',
        b'{"chat":"a:b"}{}',
        b'{"text":"\xff"}',
        b'{"text":"\\ud800"}',
        b'{"text":"\\udc00\\ud800"}',
        b'{"text":"\\u12"}',
        b'{"text":"a\nb"}',
        b'{"text":"\\x"}',
        b"\xef\xbb\xbf{",
        b'{"x":' + b"[" * 10000 + b"]" * 10000 + b"}",
        b'{"x":"\xed\xa0\x80"}',
        b'{"\xff":1}',
    ],
)
def test_an_unreadable_json_body_is_malformed(client, body):
    check_error(client.post("/api/send", data=body, headers={"Content-Type": JSON}), "malformed_request")


@pytest.mark.parametrize("body", [b"\x0a\x05ab", b"\xff", b"\x0a\x03a:\xff", b"\x12\x02\xc3\x28", b"\x00", b"\x0b\x01"])
def test_an_unreadable_protobuf_body_is_malformed(client, body):
    check_error(client.post("/api/send", data=body, headers={"Content-Type": MEDIA_TYPE}), "malformed_request")


@pytest.mark.parametrize(
    "body, content_type, words",
    [
        (b'{"text":"hi"}', FORM, ["read as a form", "Content-Type: application/json"]),
        (b'{"text":"caf\xe9"}', JSON, ["byte 13 is not UTF-8"]),
        (b'{"text":"\\ud83d"}', JSON, ["byte 10 is half of a surrogate pair"]),
        (b'\xef\xbb\xbf{"text":"hi"}', JSON, ["byte order mark"]),
        (gzip.compress(b'{"text":"hi"}', mtime=0), JSON, ["gzip"]),
        (b'{"text":"hi"', JSON, ["after 12 bytes"]),
        (b'{"text":}', JSON, ["byte 9"]),
        (b"\x12\x01\xff", MEDIA_TYPE, ["not UTF-8"]),
    ],
)
@pytest.mark.parametrize("template", [False, True])
def test_what_cannot_be_read_says_what_it_is(start_shared, client_of, template, body, content_type, words):
    client = client_of(start_shared(*(["--http-errors", "template"] if template else [])))
    answer = client.post("/api/send", data=body, headers={"Content-Type": content_type})
    problem = check_error(answer, "malformed_request", template)
    assert [word for word in words if word not in (answer.text if template else problem["detail"])] == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_an_encoded_body_is_unsupported(client, chat, encoding):
    body = gzip.compress(json.dumps(fields(chat)).encode())
    answer = client.post("/api/send", data=body, headers={"Content-Encoding": encoding})
    problem = check_error(answer, "unsupported_media_type")
    assert answer.headers["Accept-Encoding"] == "identity"
    assert encoding in problem["detail"]


def test_identity_and_an_encoding_of_no_body_are_taken(client, chat):
    assert client.post("/api/send", json=fields(chat), headers={"Content-Encoding": "identity"}).status_code == 200
    assert client.post("/api/send", params=fields(chat), headers={"Content-Encoding": "gzip"}).status_code == 200
    assert "Accept-Encoding" not in client.post("/api/send", data="x", headers={"Content-Type": "text/plain"}).headers


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "nonsense",
        "application/octet-stream",
    ],
)
def test_an_unknown_content_type_is_unsupported(client, chat, content_type):
    body = json.dumps(fields(chat))
    check_error(client.post("/api/send", data=body, headers={"Content-Type": content_type}), "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-protobuf", "nonsense"])
def test_content_type_without_a_body_is_ignored(client, chat, content_type):
    answer = client.post("/api/send", params=fields(chat), headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text


def test_no_body_and_no_query_is_an_invalid_chat(client):
    check_error(client.post("/api/send"), "invalid_chat")


def test_invalid_utf8_in_a_form_or_query_is_the_fields_own_error(client, chat):
    a = member(chat)
    check_error(client.post(f"/api/send?chat={chat}&sender={a}&text=%FF"), "invalid_text")
    check_error(client.post(f"/api/send?chat=%FF:b&sender={a}&text=x"), "invalid_chat")
    body = f"chat={chat}&sender={a}&text=%C3%28"
    check_error(client.post("/api/send", data=body, headers={"Content-Type": FORM}), "invalid_text")


def test_a_refused_send_stores_nothing(client, chat):
    check_error(client.try_send(chat, ""), "invalid_text")
    check_error(client.try_send(chat, "x", sender="stranger"), "sender_not_in_chat")
    check_error(client.try_pull(chat), "chat_not_found")


def test_get_of_send_is_not_allowed(client, chat):
    answer = client.get("/api/send", params=fields(chat))
    check_error(answer, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    check_error(client.try_pull(chat), "chat_not_found")
