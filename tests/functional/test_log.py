"""Logs on standard error."""

import json

import pytest

from support.client import Client


def test_json_logs_are_an_object_a_line(start, chat):
    running = start("--log-format", "json", "--log-level", "debug")
    client = Client(running)
    client.send(chat, 'quo"te\n')
    client.get("/ping", headers={"X-Request-Id": 'id"with\\quotes'})
    client.close()
    running.stop()
    lines = running.stderr.splitlines()
    assert lines
    for line in lines:
        event = json.loads(line)
        assert isinstance(event, dict)
        assert {"time", "level", "message"} <= set(event), line


@pytest.mark.own_store
def test_text_logs_name_the_version_and_the_store_at_the_start(start):
    running = start()
    running.await_log(str(running.data))


def test_texts_and_keys_are_not_logged(start, chat):
    running = start("--log-level", "debug")
    client = Client(running)
    client.send(chat, "secret-text", key="secret-key")
    client.try_send(chat, "other-secret-text", key="secret-key")
    client.close()
    running.stop()
    assert "secret" not in running.stderr


def test_a_client_cannot_write_lines_of_its_own(start):
    running = start("--log-level", "debug")
    client = Client(running)
    client.get("/ping%0aFORGED")
    client.get("/api/pull", params={"chat": "a\nFORGED:b"})
    client.close()
    running.stop()
    assert not any(line.startswith("FORGED") for line in running.stderr.splitlines())
