"""parley send and parley pull."""

import json
import signal

import pytest

from support.command import Background, on_terminal, parley
from support.wait import eventually


def send(deployment, chat, text, *more, **settings):
    return parley("send", chat, "--as", chat.split(":")[0], text, "--url", deployment.url, *more, **settings)


def pull(deployment, chat, *more):
    return parley("pull", chat, "--url", deployment.url, *more)


def pulled(deployment, chat, *more):
    """The messages that `parley pull --json` prints, one object a line."""
    outcome = pull(deployment, chat, "--json", *more)
    assert outcome.code == 0, outcome
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_send_stores(deployment, client, chat):
    outcome = send(deployment, chat, "hi there")
    assert outcome.code == 0, outcome
    assert client.texts(chat) == ["hi there"]


def test_url_may_come_from_the_environment(deployment, client, chat):
    outcome = parley("send", chat, "--as", chat.split(":")[0], "hi", env={"PARLEY_URL": deployment.url})
    assert outcome.code == 0, outcome
    assert client.texts(chat) == ["hi"]


@pytest.mark.parametrize("text", ["--", "-x", "é\U0001f600", "a\nb", "  ", "\\n"])
def test_send_takes_any_text(deployment, client, chat, text):
    outcome = parley("send", chat, "--as", chat.split(":")[0], "--url", deployment.url, "--", text)
    assert outcome.code == 0, outcome
    assert client.texts(chat) == [text]


def test_an_error_of_the_server_is_one_line_and_exit_1(deployment, chat):
    for outcome in (parley("send", chat, "--as", "stranger", "hi", "--url", deployment.url), pull(deployment, chat)):
        assert outcome.code == 1, outcome
        assert outcome.out == ""
        assert len(outcome.err.strip().splitlines()) == 1, outcome


def test_no_server_is_one_line_and_exit_1(chat):
    for outcome in (
        parley("send", chat, "--as", "a", "hi", "--url", "http://127.0.0.1:1"),
        parley("pull", chat, "--url", "http://127.0.0.1:1"),
    ):
        assert outcome.code == 1, outcome
        assert "127.0.0.1:1" in outcome.err
        assert len(outcome.err.strip().splitlines()) == 1, outcome


@pytest.mark.parametrize(
    "arguments",
    [
        ["send"],
        ["send", "a:b"],
        ["send", "a:b", "hi"],
        ["pull"],
        ["pull", "a:b", "--limit", "x"],
        ["pull", "a:b", "--no-such"],
        ["pull", "a:b", "--limit", "2147483648"],
        ["pull", "a:b", "--limit", "-1"],
        ["pull", "a:b", "--cursor", "9223372036854775808"],
        ["pull", "a:b", "--cursor", "5x"],
        ["pull", "a:b", "--cursor", ""],
        ["pull", "a:b", "--url", "ftp://x"],
        ["pull", "a:b", "--url", "nonsense"],
    ],
)
def test_bad_arguments_exit_with_2(arguments):
    outcome = parley(*arguments)
    assert outcome.code == 2, outcome
    assert outcome.err.strip()


def test_pull_prints_sender_and_text(deployment, client, chat):
    client.send(chat, "first")
    client.send(chat, "second", sender="z")
    outcome = pull(deployment, chat)
    assert outcome.code == 0, outcome
    first, second = outcome.out.splitlines()
    assert chat.split(":")[0] in first and "first" in first
    assert "z" in second and "second" in second


def test_pull_json_prints_a_message_a_line(deployment, client, chat):
    times = [client.send(chat, text)["send_time"] for text in ("a\nb", "é", "\0")]
    found = pulled(deployment, chat)
    assert [m["text"] for m in found] == ["a\nb", "é", "\0"]
    assert [m["send_time"] for m in found] == times
    assert {m["sender"] for m in found} == {chat.split(":")[0]}


def test_pull_takes_cursor_limit_and_reverse(deployment, client, chat):
    times = [client.send(chat, str(n))["send_time"] for n in range(5)]

    def texts(*more):
        return [m["text"] for m in pulled(deployment, chat, *more)]

    assert texts("--limit", 2) == ["0", "1"]
    assert texts("--cursor", times[3]) == ["3", "4"]
    assert texts("--reverse", "--limit", 2) == ["4", "3"]
    assert texts("--reverse", "--cursor", times[1]) == ["1", "0"]


def test_control_characters_do_not_reach_a_readers_terminal(deployment, client, chat):
    """A text may hold escape sequences; the plain form must not act them out."""
    client.send(chat, "\x1b[31mred\x1b]0;title\x07\rover\x9b\nforged: line")
    written = on_terminal("pull", chat, "--url", deployment.url)
    assert "red" in written
    for act in ("\x1b[31m", "\x1b]", "\x07", "\rover", "\x9b", "\nforged"):
        assert act not in written, repr(written)


def test_no_colour_away_from_a_terminal(deployment, client, chat):
    client.send(chat, "hi")
    assert "\x1b" not in pull(deployment, chat).out


def test_follow_prints_each_message_once(deployment, client, chat, tmp_path):
    client.send(chat, "0")
    with Background(tmp_path, "pull", chat, "--follow", "--json", "--url", deployment.url) as follower:
        for n in range(1, 30):
            client.send(chat, str(n))
        eventually(lambda: len(follower.lines()) >= 30, "all of the messages")
        assert [json.loads(line)["text"] for line in follower.lines()] == [str(n) for n in range(30)]
        assert follower.interrupt(signal.SIGINT) in (0, 130, -signal.SIGINT)


def test_follow_waits_for_a_chat_that_has_no_message_yet(deployment, client, chat, tmp_path):
    with Background(tmp_path, "pull", chat, "--follow", "--json", "--url", deployment.url) as follower:
        client.send(chat, "first")
        eventually(lambda: len(follower.lines()) == 1, "the first message")


def test_follow_survives_restarts_of_the_server(start, client_of, chat, tmp_path):
    running = start()
    client = client_of(running)
    client.send(chat, "0")
    with Background(tmp_path, "pull", chat, "--follow", "--json", "--url", running.url) as follower:
        eventually(lambda: len(follower.lines()) == 1, "the first message")
        for n in range(1, 4):
            running.kill() if n % 2 else running.stop()
            running.keep_port()
            running.start()
            client.send(chat, str(n))
            eventually(lambda: len(follower.lines()) >= n + 1, f"message {n} (follower: {follower.err})")
        assert follower.running()
        assert [json.loads(line)["text"] for line in follower.lines()] == list("0123")
