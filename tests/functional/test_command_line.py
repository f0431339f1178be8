"""parley send and parley pull."""

import contextlib
import json
import signal
import socket
import threading

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
        ["pull", "a:b", "--url", "http://127.0.0.1:99999"],
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

        def told(count):
            assert follower.running(), follower.err
            return len(follower.lines()) >= count

        eventually(lambda: told(1), "the first message")
        for n in range(1, 4):
            running.kill() if n % 2 else running.stop()
            running.keep_port()
            running.start()
            client.send(chat, str(n))
            eventually(lambda: told(n + 1), f"message {n}")
        assert [json.loads(line)["text"] for line in follower.lines()] == list("0123")


# What a person sees of a long chat -----------------------------------------------------------------------------------


def texts(outcome):
    assert outcome.code == 0, outcome
    return [line.rsplit(": ", 1)[1] for line in outcome.out.splitlines()]


def numbers(begin, end):
    return [str(n) for n in range(begin, end)]


@pytest.fixture
def long_chat(client, chat):
    """A chat of 15 messages, "0" to "14"."""
    for n in range(15):
        client.send(chat, str(n))
    return chat


def test_pull_prints_the_newest_as_a_chat_reads_and_says_that_there_are_more(deployment, long_chat):
    outcome = pull(deployment, long_chat)
    assert texts(outcome) == numbers(5, 15)
    assert "newest 10" in outcome.err and "--limit 100" in outcome.err and "--cursor 0" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    outcome = pull(deployment, long_chat, "--limit", 15)
    assert (texts(outcome), outcome.err) == (numbers(0, 15), "")


def test_pull_of_more_than_a_page_holds_prints_the_newest_of_all(start, client_of, chat):
    """A page holds one text of this size, so each message is a page."""
    running = start("--max-page-bytes", "1")
    client = client_of(running)
    for n in range(5):
        client.send(chat, str(n))
    outcome = pull(running, chat, "--limit", 3)
    assert texts(outcome) == ["2", "3", "4"]
    assert "newest 3" in outcome.err


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_pull_from_a_cursor_goes_on_by_what_it_says(deployment, long_chat, more):
    def read(outcome):
        return [json.loads(line)["text"] for line in outcome.out.splitlines()] if more else texts(outcome)

    outcome = pull(deployment, long_chat, "--cursor", 0, *more)
    assert read(outcome) == numbers(0, 10)
    cursor = outcome.err.split("--cursor ")[1].split()[0]
    outcome = pull(deployment, long_chat, "--cursor", cursor, *more)
    assert (read(outcome), outcome.err) == (numbers(10, 15), "")


def test_pull_in_reverse_goes_on_by_what_it_says(deployment, long_chat):
    outcome = pull(deployment, long_chat, "--reverse")
    assert texts(outcome) == numbers(5, 15)[::-1]
    assert "--reverse --cursor " in outcome.err
    cursor = outcome.err.split("--cursor ")[1].split()[0]
    assert texts(pull(deployment, long_chat, "--reverse", "--cursor", cursor)) == numbers(0, 5)[::-1]


def test_json_begins_at_the_oldest_as_a_program_expects(deployment, long_chat):
    assert [m["text"] for m in pulled(deployment, long_chat)] == numbers(0, 10)


@pytest.mark.parametrize(
    ("more", "begin"),
    [([], 5), (["--limit", "3"], 12), (["--cursor", "0"], 0), (["--json"], 0), (["--json", "--limit", "3"], 12)],
)
def test_follow_begins_where_a_reader_wants(deployment, client, long_chat, tmp_path, more, begin):
    with Background(tmp_path, "pull", long_chat, "--follow", *more, "--url", deployment.url) as follower:
        eventually(lambda: len(follower.lines()) >= 15 - begin, "what is there")
        client.send(long_chat, "15")
        eventually(lambda: len(follower.lines()) >= 16 - begin, "what comes later")
        lines = follower.lines()
    found = [json.loads(line)["text"] if "--json" in more else line.rsplit(": ", 1)[1] for line in lines]
    assert found == numbers(begin, 16)


# Servers that are not there, or are not Parley's ---------------------------------------------------------------------


@pytest.fixture
def foreign(request):
    """The address of a server that answers each connection with the bytes of the parameter, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(request.param)

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


FOREIGN = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
    b'HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n{"detail":"unknown"}',
    b"HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n",
    b"-ERR unknown command\r\n",
]


@pytest.mark.parametrize("foreign", FOREIGN, indirect=True)
def test_a_foreign_server_is_called_no_parley_server(foreign, chat):
    for arguments in (["pull", chat, "--url", f"http://{foreign}"], ["health", "--admin", foreign]):
        outcome = parley(*arguments)
        assert outcome.code == 1, outcome
        assert "is no Parley server" in outcome.err and foreign in outcome.err, outcome
        assert ("--admin" if arguments[0] == "health" else "--url") in outcome.err, outcome
        assert len(outcome.err.splitlines()) == 1, outcome


def test_another_listener_of_the_server_is_called_so(start, chat):
    server = start()
    for url in (server.admin_url, f"{server.url}/api"):
        outcome = parley("pull", chat, "--url", url)
        assert "--url" in outcome.err and "is another listener" in outcome.err, outcome
    outcome = parley("health", "--admin", server.url.removeprefix("http://"))
    assert "--admin" in outcome.err and "is another listener" in outcome.err, outcome


def test_a_server_that_is_not_there_is_said_with_what_to_do(chat):
    outcome = parley("pull", chat, "--url", "http://127.0.0.1:1")
    assert "refused the connection" in outcome.err and "parley serve" in outcome.err and "--url" in outcome.err


# Everything that one can get wrong -----------------------------------------------------------------------------------

SEND = ["send", "a:b", "--as", "a"]
HTTP = "HOST:PORT, such as 127.0.0.1:8080"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sevre"], "did you mean serve?"),
        (["nonsense"], "parley --help"),
        (["-v"], "did you mean --version?"),
        (["--nonsense"], "parley --help"),
        (["--http", "127.0.0.1:0", "serve"], "write parley serve --http"),
        (["--limit", "5"], "write parley pull --limit"),
        (["serve", "extra"], "takes only options"),
        (["serve", "send"], "takes only options"),
        (["serve", "--htpt", "x"], "did you mean --http?"),
        (["serve", "-http", "127.0.0.1:0"], "did you mean --http?"),
        (["serve", "--max_text", "1"], "did you mean --max-text?"),
        (["serve", "--qqqqqq"], "parley serve --help"),
        (["serve", "--http"], HTTP),
        (["serve", "--http="], HTTP),
        (["serve", "--http", ""], HTTP),
        (["serve", "--http", "8080"], HTTP),
        (["serve", "--rpc", "8888"], "127.0.0.1:8888"),
        (["serve", "--http", "127.0.0.1:0", "--http", "127.0.0.1:0"], "more than once"),
        (["serve", "--config", "/nonexistent"], "No such file or directory"),
        (["serve", "--config", "/"], "Is a directory"),
        (["serve", "--config", ""], "No such file or directory"),
        (["serve", "--max-text", "64K"], "KiB"),
        (["serve", "--drain-delay", "5"], "such as 500ms"),
        (["serve", "--store", "rocksdbb:x"], 'no kind of store "rocksdbb"'),
        (["serve", "--allow-anonymous=5"], "true or false"),
        (["serve", "--log-level", "loud"], "debug or info"),
        (["send"], "CHAT is missing"),
        (["send", "--url"], "http://HOST[:PORT]"),
        (["send", "a:b"], "TEXT is missing"),
        (["send", "a:b", "hi"], "--as is missing"),
        (["send", "a:b", "hi", "--as"], "such as --as alice"),
        (["send", "a:b", "hi", "--as", ""], "such as --as alice"),
        ([*SEND, "--as", "b", "hi"], "more than once"),
        ([*SEND, "-n"], '-- "-n"'),
        ([*SEND, "--"], "TEXT is missing"),
        ([*SEND, "hi", "there"], "quotes"),
        ([*SEND, "--", "hi", "--url", "U"], "before the --"),
        ([*SEND, "hi", "--url", "example.com"], "http://HOST[:PORT]"),
        ([*SEND, "hi", "--ulr", "x"], "did you mean --url?"),
        (["pull"], "CHAT is missing"),
        (["pull", "a:b", "c:d"], "takes one CHAT"),
        (["pull", "a:b", "--limit"], "a whole number from 0"),
        (["pull", "a:b", "--limit", "-1"], "a whole number from 0"),
        (["pull", "a:b", "--limit", "1", "--limit", "2"], "more than once"),
        (["pull", "a:b", "--follow", "--reverse"], "leave one out"),
        (["config", "--markdwon"], "did you mean --markdown?"),
        (["doctor", "--jsno"], "did you mean --json?"),
        (["health", "--admin"], "127.0.0.1:8081"),
        (["health", "x"], "takes only options"),
        (["bench", "--rate", "0"], "a whole number from 1"),
        (["bench", "--mix", "1:1"], "three weights"),
        (["bench", "--search", "--rate", "max"], "write a number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_one_line_with_what_to_write(arguments, expected, tmp_path):
    outcome = parley(*arguments, cwd=tmp_path)
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert expected in outcome.err, outcome
    assert outcome.err.startswith("parley: ") and len(outcome.err.splitlines()) == 1, outcome
    assert list(tmp_path.iterdir()) == []


def test_no_command_prints_the_overview():
    assert parley().code == 2 and parley().out == ""
    assert parley().err == parley("help").out == parley("--help").out
    assert parley("help").code == parley("--help").code == 0


def test_help_of_a_command_may_be_asked_for_in_either_order():
    assert parley("help", "pull").out == parley("pull", "--help").out == parley("pull", "-h").out
