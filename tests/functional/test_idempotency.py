"""Idempotency keys."""

import concurrent.futures
import time

import pytest

from support.client import Client
from support.errors import check_error
from support.protobuf import MEDIA_TYPE, messages
from support.wait import eventually


def body_of(chat, text="hi", **more):
    return {"chat": chat, "text": text, "sender": chat.split(":")[0], **more}


def test_a_repeat_stores_nothing_and_answers_the_firsts_time(client, chat):
    first = client.send(chat, "hi", key="k")
    assert first["duplicate"] is False
    for _ in range(3):
        assert client.send(chat, "hi", key="k") == {**first, "duplicate": True}
    assert client.texts(chat) == ["hi"]


def test_without_a_key_repeats_are_messages(client, chat):
    answers = [client.send(chat, "hi") for _ in range(2)]
    assert [a["duplicate"] for a in answers] == [False, False]
    assert client.texts(chat) == ["hi", "hi"]


@pytest.mark.parametrize("key", ["", None])
def test_an_empty_key_is_no_key(client, chat, key):
    for _ in range(2):
        assert client.post("/api/send", json=body_of(chat, idempotency_key=key)).json()["duplicate"] is False
        assert client.try_send(chat, "hi", key="").json()["duplicate"] is False
    assert len(client.texts(chat)) == 4


def test_header_and_body_field_are_the_same_key(client, chat):
    first = client.send(chat, "hi", key="k")
    by_json = client.post("/api/send", json=body_of(chat, idempotency_key="k"))
    by_form = client.post("/api/send", data=body_of(chat, idempotency_key="k"))
    by_query = client.post("/api/send", params=body_of(chat, idempotency_key="k"))
    protobuf = messages().SendRequest(**body_of(chat, idempotency_key="k")).SerializeToString()
    by_protobuf = client.post("/api/send", data=protobuf, headers={"Content-Type": MEDIA_TYPE})
    for answer in (by_json, by_form, by_query, by_protobuf):
        assert answer.json() == {**first, "duplicate": True}


def test_header_and_body_that_agree_are_one_key(client, chat):
    assert client.send(chat, "hi", key="k", idempotency_key="k")["duplicate"] is False
    assert client.send(chat, "hi", key="k")["duplicate"] is True


def test_header_and_body_that_disagree_are_an_error(client, chat):
    check_error(client.try_send(chat, "hi", key="k", idempotency_key="K"), "invalid_idempotency_key")
    check_error(client.try_pull(chat), "chat_not_found")


def test_the_same_key_with_another_text_is_a_conflict(client, chat):
    first = client.send(chat, "hi", key="k")
    check_error(client.try_send(chat, "ho", key="k"), "idempotency_conflict")
    assert client.send(chat, "hi", key="k") == {**first, "duplicate": True}
    assert client.texts(chat) == ["hi"]


def test_keys_are_of_their_chat(client, chat):
    a = chat.split(":")[0]
    other = f"{a}:other-{a}"
    assert client.send(chat, "hi", key="k", sender=a)["duplicate"] is False
    assert client.send(other, "ho", key="k", sender=a)["duplicate"] is False


def test_keys_are_of_their_sender(client, chat):
    a, z = chat.split(":")
    assert client.send(chat, "hi", key="k", sender=a)["duplicate"] is False
    assert client.send(chat, "ho", key="k", sender=z)["duplicate"] is False
    assert client.texts(chat) == ["hi", "ho"]


def test_both_spellings_of_a_chat_share_their_keys(client, chat):
    a, z = chat.split(":")
    first = client.send(f"{a}:{z}", "hi", sender=a, key="k")
    assert client.send(f"{z}:{a}", "hi", sender=a, key="k") == {**first, "duplicate": True}


def test_keys_are_taken_as_they_stand_quotes_included(client, chat):
    for n, key in enumerate(["k", '"k"', "'k'", "K", "k k", "k:0", "k%20"]):
        assert client.send(chat, str(n), key=key)["duplicate"] is False
        assert client.send(chat, str(n), key=key)["duplicate"] is True


def test_a_key_in_the_body_may_be_any_text(client, chat):
    for n, key in enumerate(["é", "\0", "a\0b", "\n", " k ", "k ", "\U0001f511"]):
        body = body_of(chat, str(n), idempotency_key=key)
        assert client.post("/api/send", json=body).json()["duplicate"] is False, ascii(key)
        assert client.post("/api/send", json=body).json()["duplicate"] is True, ascii(key)


@pytest.mark.parametrize("key", ["k" * 128, "é" * 64])
def test_128_bytes_are_taken(client, chat, key):
    assert client.send(chat, idempotency_key=key)["duplicate"] is False
    assert client.send(chat, idempotency_key=key)["duplicate"] is True


@pytest.mark.parametrize("key", ["k" * 129, "é" * 64 + "k"])
def test_129_bytes_are_an_error(client, chat, key):
    check_error(client.try_send(chat, idempotency_key=key), "invalid_idempotency_key")
    check_error(client.try_pull(chat), "chat_not_found")


def test_129_bytes_in_the_header_are_an_error(client, chat):
    client.send(chat, key="k" * 128)
    check_error(client.try_send(chat, key="k" * 129), "invalid_idempotency_key")


def test_a_key_that_is_not_utf8_is_an_error(client, chat):
    check_error(client.try_send(chat, headers={"Idempotency-Key": b"\xff"}), "invalid_idempotency_key")
    a = chat.split(":")[0]
    answer = client.post(f"/api/send?chat={chat}&sender={a}&text=x&idempotency_key=%FF")
    check_error(answer, "invalid_idempotency_key")


def test_a_refused_send_leaves_no_key_behind(client, chat):
    check_error(client.try_send(chat, "", key="k"), "invalid_text")
    check_error(client.try_send(chat, "x" * 65537, key="k"), "text_too_long")
    assert client.send(chat, "hi", key="k")["duplicate"] is False


def test_keys_survive_a_restart(start, chat):
    running = start()
    client = Client(running)
    first = client.send(chat, "hi", key="k")
    client.close()
    running.restart()
    client = Client(running)
    assert client.send(chat, "hi", key="k") == {**first, "duplicate": True}
    check_error(client.try_send(chat, "ho", key="k"), "idempotency_conflict")
    assert client.texts(chat) == ["hi"]
    client.close()


def test_of_concurrent_repeats_one_stores(deployment, chat):
    def send(number):
        client = Client(deployment)
        try:
            return [client.send(chat, f"round {n}", key=f"k{n}") for n in range(20)]
        finally:
            client.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        by_client = list(pool.map(send, range(8)))
    for answers in zip(*by_client):
        assert len({a["send_time"] for a in answers}) == 1
        assert sum(not a["duplicate"] for a in answers) == 1
    client = Client(deployment)
    assert client.texts(chat) == [f"round {n}" for n in range(20)]
    client.close()


def test_of_concurrent_conflicts_one_stores(deployment, chat):
    def send(number):
        client = Client(deployment)
        try:
            return client.try_send(chat, f"text {number}", key="k")
        finally:
            client.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    good = [a for a in answers if a.status_code == 200]
    assert len(good) == 1
    for answer in answers:
        if answer is not good[0]:
            check_error(answer, "idempotency_conflict")
    client = Client(deployment)
    assert len(client.texts(chat)) == 1
    client.close()


def test_after_the_window_a_repeat_is_a_new_message(start, client_of, chat):
    client = client_of(start("--idempotency-window", "1s"))
    first = client.send(chat, "hi", key="k")
    later = eventually(lambda: new_message(client, chat), "the window's end")
    assert later["send_time"] >= first["send_time"] + 1_000_000
    assert client.texts(chat) == ["hi", "hi"]


def new_message(client, chat):
    answer = client.send(chat, "hi", key="k")
    return None if answer["duplicate"] else answer


def test_within_the_window_a_repeat_is_a_duplicate_however_often_it_comes(start, client_of, chat):
    """The window counts from the message's send_time, not from the last repeat: repeats do not lengthen it."""
    client = client_of(start("--idempotency-window", "1s"))
    stored = [client.send(chat, "hi", key="k")["send_time"]]

    def repeat():
        answer = client.send(chat, "hi", key="k")
        assert answer["send_time"] >= stored[-1]
        if not answer["duplicate"]:
            stored.append(answer["send_time"])
        return len(stored) == 3

    eventually(repeat, "two more windows")
    assert all(b - a >= 1_000_000 for a, b in zip(stored, stored[1:]))
    assert time.time() * 1e6 - stored[0] >= 2_000_000
    assert [m["send_time"] for m in client.read_all(chat)] == stored


def test_after_the_window_the_key_may_carry_another_text(start, client_of, chat):
    client = client_of(start("--idempotency-window", "1s"))
    client.send(chat, "hi", key="k")
    check_error(client.try_send(chat, "ho", key="k"), "idempotency_conflict")
    eventually(lambda: client.try_send(chat, "ho", key="k").status_code == 200, "the window's end")
    assert client.texts(chat) == ["hi", "ho"]
