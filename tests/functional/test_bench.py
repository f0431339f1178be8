"""parley bench: it measures what happens, and notices where a promise is broken."""

import http.server
import json
import os
import pty
import re
import signal
import socketserver
import subprocess
import threading
import urllib.parse
import xml.etree.ElementTree

import pytest

from support.build import binary, duration, scaled
from support.command import Background, on_terminal, parley
from support.server import clean_environment
from support.wait import eventually

SHORT = {"--connections": 8, "--chats": 5}


def arguments(url, *options):
    """With few connections and chats unless the options say more."""
    short = [word for name, value in SHORT.items() if name not in options for word in (name, value)]
    return ["bench", "--url", url, *map(str, (*short, *options))]


def bench(url, *options):
    return parley(*arguments(url, *options))


def measured(url, *options, code=0):
    """The report of a run that ends with this exit code."""
    outcome = bench(url, "--json", *options)
    assert outcome.code == code, outcome
    return json.loads(outcome.out)


def test_every_request_is_counted_and_every_message_read_back(deployment):
    run = measured(deployment.url, "--rate", "max", "--requests", 500)
    assert run["requests"] == run["acknowledged"] == 500
    assert run["errors"] == 0 and run["violations"] == {} and run["verified"]
    assert run["durability"] == "fsync"
    times = [run[f"{p}_us"] for p in ("p50", "p90", "p95", "p99", "p999", "p9999", "max")]
    assert times == sorted(times) and times[0] > 0


def test_messages_are_where_they_should_be(start, client_of):
    running = start()
    measured(running.url, "--rate", "max", "--requests", 103, "--chats", 2, "--first-chat", 7, "--text", 50)
    client = client_of(running)
    texts = [client.texts(f"u{n:06}:v{n:06}") for n in (7, 8)]
    assert [len(t) for t in texts] == [52, 51]
    assert {len(text) for chat in texts for text in chat} == {50}
    assert len({text for chat in texts for text in chat}) == 103


def test_a_rate_is_kept(deployment):
    run = measured(deployment.url, "--rate", 200, "--duration", "2s")
    assert 280 <= run["requests"] <= 520  # Poisson: 400, give or take six deviations
    assert run["rate"] == 200


def test_a_mix_has_its_parts(start):
    run = measured(
        start().url, "--rate", "max", "--requests", 900, "--mix", "1:1:1", "--zipf", "0.9", "--keyed", "--threads", 2
    )
    parts = {kind: figures["requests"] for kind, figures in run["kinds"].items()}
    assert set(parts) == {"send", "pull", "follow"}
    assert sum(parts.values()) == 900 and min(parts.values()) > 200
    assert run["acknowledged"] == parts["send"]
    assert run["violations"] == {}


def test_pulls_of_empty_chats_are_told_apart(deployment):
    run = measured(deployment.url, "--rate", "max", "--requests", 50, "--mix", "0:1:0", "--first-chat", 700)
    assert run["no_chat"] == 50 and run["errors"] == 0


def test_the_report_for_a_person(deployment):
    outcome = bench(deployment.url, "--rate", "max", "--requests", 100)
    assert outcome.code == 0, outcome
    assert "durability: fsync" in outcome.out
    assert re.search(r"^send +100 .* ms$", outcome.out, re.M)
    assert "100 acknowledged sends in 5 chats, and each is there once, unchanged and in order" in outcome.out
    assert outcome.err == ""


def test_progress_is_for_terminals(deployment):
    written = on_terminal("bench", "--url", deployment.url, "--rate", "20", "--duration", "2500ms")
    assert re.search(r"\d+ s: \d+/s, p50 ", written)


def test_files(deployment, tmp_path):
    csv, svg = tmp_path / "run.csv", tmp_path / "run.svg"
    run = measured(deployment.url, "--rate", 100, "--duration", "1200ms", "--csv", csv, "--plot", svg)
    names, *lines = csv.read_text().splitlines()
    assert names == "second,requests,errors,p50_us,p99_us,max_us"
    assert sum(int(line.split(",")[1]) for line in lines) == run["requests"]
    root = xml.etree.ElementTree.parse(svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "send" in "".join(root.itertext())


def test_a_file_that_cannot_be_written_is_an_error(deployment, tmp_path):
    """Before anything is sent."""
    outcome = bench(deployment.url, "--rate", "max", "--duration", "1h", "--plot", tmp_path / "no" / "file")
    assert outcome.code == 1 and "cannot write" in outcome.err


def test_a_file_that_turns_out_to_be_full_does_not_keep_the_other_from_being_written(deployment, tmp_path):
    svg = tmp_path / "run.svg"
    svg.write_text("of an earlier run " * 10_000)
    outcome = bench(deployment.url, "--rate", "max", "--requests", 1, "--csv", "/dev/full", "--plot", svg)
    assert outcome.code == 1 and "cannot write /dev/full" in outcome.err
    assert xml.etree.ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_a_search_ends_with_a_rate_that_holds(deployment):
    run = measured(
        deployment.url,
        "--search",
        "--rate",
        50,
        "--p99",
        duration(1),
        "--duration",
        "200ms",
        "--timeout",
        duration(2),
        "--no-verify",
    )
    assert run["attempts"][0]["rate"] == 50
    assert run["rate"] in [attempt["rate"] for attempt in run["attempts"] if attempt["held"]]


def test_a_search_in_which_nothing_holds_is_a_failure(deployment):
    run = measured(deployment.url, "--search", "--rate", 4, "--p99", "100us", "--duration", "500ms", code=1)
    assert not any(attempt["held"] for attempt in run["attempts"])


def test_no_server_is_one_line_and_exit_1():
    outcome = bench("http://127.0.0.1:1")
    assert outcome.code == 1 and "127.0.0.1:1" in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.own_store  # a gateway of the tests has no listener for RPC
def test_a_server_of_another_kind_is_called_so(start):
    running = start()
    for address, said in ((running.rpc, "as a Parley server does"), (running.admin, "is no Parley server")):
        outcome = bench(f"http://{address[0]}:{address[1]}")
        assert outcome.code == 1 and said in outcome.err and "--url" in outcome.err, outcome
        assert len(outcome.err.splitlines()) == 1, outcome


@pytest.mark.parametrize(
    "options",
    [
        ["--rate", "0"],
        ["--rate", "-1"],
        ["--rate", "x"],
        ["--rate", "10000001"],
        ["--connections", "0"],
        ["--connections", "100001"],
        ["--threads", "257"],
        ["--mix", "1:1"],
        ["--mix", "0:0:0"],
        ["--mix", "1:1:1:1"],
        ["--mix", "1001:0:0"],
        ["--chats", "0"],
        ["--zipf", "-1"],
        ["--zipf", "3.1"],
        ["--zipf", "nan"],
        ["--text", "31"],
        ["--limit", "0"],
        ["--limit", "1001"],
        ["--duration", "1ms"],
        ["--p99", "0s"],
        ["--requests", "1000000001"],
        ["--search", "--rate", "max"],
        ["--warmup", "10s", "--duration", "5s"],
        ["--url", "x"],
        ["--no-such"],
    ],
)
def test_what_is_out_of_range_exits_with_2(options):
    outcome = parley("bench", *options)
    assert outcome.code == 2, outcome
    assert len(outcome.err.splitlines()) == 1 and options[0].lstrip("-") in outcome.err


def test_an_interrupt_ends_with_a_report(deployment, client, tmp_path):
    with Background(
        tmp_path, *arguments(deployment.url, "--json", "--rate", 100, "--duration", "1h", "--first-chat", 900)
    ) as running:
        eventually(lambda: client.try_pull("u000900:v000900").status_code == 200, "a message of the run")
        assert running.interrupt(signal.SIGINT) == 0, running.err
        run = json.loads(running.lines()[0])
    assert run["interrupted"] and run["acknowledged"] > 0 and run["violations"] == {}


def test_an_interrupt_drops_what_is_overdue(tmp_path):
    """A server that takes five requests a second of a thousand: what waits for a connection is not sent any more."""
    with (
        Liar(pause=0.2) as slow,
        Background(
            tmp_path, *arguments(slow.url, "--json", "--rate", 1000, "--duration", "1h", "--connections", 2)
        ) as running,
    ):
        eventually(lambda: slow.count() >= 5, "some sends")
        assert running.interrupt(signal.SIGINT) == 0, running.err
        run = json.loads(running.lines()[0])
    assert run["interrupted"] and run["acknowledged"] == slow.count() and run["violations"] == {}


def test_a_second_signal_ends_it_at_once(tmp_path):
    with (
        Liar(stall=3600) as stuck,
        Background(tmp_path, *arguments(stuck.url, "--rate", "max", "--duration", "1h", "--timeout", "1h")) as running,
    ):
        eventually(lambda: stuck.stall == 0, "a send that is not answered")
        running.signal(signal.SIGINT)
        assert running.interrupt(signal.SIGTERM) in (128 + signal.SIGINT, 128 + signal.SIGTERM)  # they may come as one
        assert running.lines() == []


def test_what_was_acknowledged_is_told_where_the_server_is_gone_for_good(start, client_of, tmp_path):
    """And it gives up on all chats together, not on one after the other."""
    running = start()
    with Background(
        tmp_path,
        *arguments(
            running.url,
            "--json",
            "--rate",
            300,
            "--duration",
            "3s",
            "--chats",
            1000,
            "--first-chat",
            10_000,
            "--timeout",
            "1s",
        ),
    ) as load:
        client = client_of(running)
        # The chats come one after the other, so many sends before this one are acknowledged.
        eventually(lambda: client.try_pull("u010100:v010100").status_code == 200, "a message of the run")
        running.kill()
        eventually(lambda: not load.running(), "the end of the run", 120)
        run = json.loads(load.lines()[0])
        assert load.code == 1
    assert run["acknowledged"] == run["unverified"] > 0 and not run["verified"], run
    assert run["unread_chats"] > 100 and run["violations"] == {}


def test_an_interrupt_ends_the_reading_back(tmp_path):
    with (
        Liar(deaf=True) as deaf,
        Background(tmp_path, *arguments(deaf.url, "--rate", "max", "--requests", 40, "--timeout", "1h")) as running,
    ):
        eventually(lambda: deaf.asked.is_set(), "the reading back")
        assert running.interrupt(signal.SIGINT) == 1, running.err
        assert "NOT VERIFIED: 40 of 40 acknowledged sends, in 5 chats" in "\n".join(running.lines())


def test_a_server_that_dies_loses_nothing(start, client_of, tmp_path):
    """Sends fail meanwhile; what was acknowledged before and after is there, and what is unknown may be."""
    running = start()
    running.keep_port()
    with Background(
        tmp_path, *arguments(running.url, "--json", "--rate", 300, "--duration", "4s", "--first-chat", 800)
    ) as load:
        client = client_of(running)
        eventually(lambda: client.try_pull("u000804:v000804").status_code == 200, "a message of the run")
        running.kill()
        running.start()
        eventually(lambda: not load.running(), "the end of the run", 40)
        run = json.loads(load.lines()[0])
    assert run["errors"] > 0 and run["verified"] and run["violations"] == {}, run


# Servers that break their promises ------------------------------------------------------------------------------------


class Liar(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A chat server in memory that does to the messages what `tamper(messages)` does when they are read."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, tamper=lambda messages: messages, stall=0, pause=0, deaf=False):
        """The first send takes `stall` seconds, and each of them `pause`; with `deaf` no pull is ever answered."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.chats, self.clock, self.tamper = threading.Lock(), {}, 10**15, tamper
        self.stall, self.pause, self.deaf = stall, pause, deaf
        self.asked, self.closing = threading.Event(), threading.Event()
        self.url = "http://{}:{}".format(*self.server_address)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.shutdown()
        self.server_close()

    def count(self):
        with self.lock:
            return sum(map(len, self.chats.values()))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.clock += 1
            sent["send_time"] = self.server.clock
            self.server.chats.setdefault(sent["chat"], []).append(sent)
            stall, self.server.stall = self.server.stall, 0
            self.server.closing.wait(stall + self.server.pause)  # and all others wait for the lock
        self.answer({"chat": sent["chat"], "send_time": sent["send_time"], "duplicate": False})

    def do_GET(self):
        if self.path == "/ping":
            return self.answer({"message": "pong"})
        self.server.asked.set()
        if self.server.deaf:
            return self.server.closing.wait()
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        with self.server.lock:
            found = self.server.tamper([dict(m) for m in self.server.chats.get(query["chat"], [])])
        found = [m for m in found if m["send_time"] >= int(query["cursor"])]
        self.answer(
            {
                "messages": found[:1000],
                "has_more": len(found) > 1000,
                "next_cursor": found[:1000][-1]["send_time"] + 1 if found else int(query["cursor"]),
            }
        )


def alter(messages):
    messages[0]["text"] = messages[0]["text"][:-1] + "y"
    return messages


@pytest.mark.parametrize(
    "tamper, broken",
    [
        (lambda messages: messages[1:], "acknowledged and lost"),
        (
            lambda messages: messages + [messages[0] | {"send_time": messages[-1]["send_time"] + 1}],
            "stored more than once",
        ),
        (alter, "altered"),
        (lambda messages: messages[::-1], "times that do not rise"),
    ],
)
def test_a_broken_promise_is_named_and_exits_with_1(tamper, broken):
    with Liar(tamper) as liar:
        run = measured(liar.url, "--rate", "max", "--requests", 40, code=1)
        assert broken in run["violations"]
        assert run["durability"] == ""
    with Liar(tamper) as liar:
        assert "BROKEN PROMISE: " in bench(liar.url, "--rate", "max", "--requests", 40).out


def test_an_honest_server_passes():
    with Liar() as honest:
        assert measured(honest.url, "--rate", "max", "--requests", 40)["violations"] == {}


def test_a_stall_is_in_the_latencies():
    """All connections wait out one second; the requests that were due meanwhile have waited for up to as long."""
    with Liar(stall=1) as slow:
        run = measured(slow.url, "--rate", 100, "--duration", "2s", "--connections", 2)
    assert run["max_us"] >= 1_000_000
    assert run["p90_us"] > 300_000  # a closed loop would have seen two slow requests


def stopped_terminal():
    """Both ends of one that takes no more, as after Ctrl-S."""
    ours, its = pty.openpty()
    os.set_blocking(its, False)
    try:
        while True:
            os.write(its, b"." * 100)
    except BlockingIOError:
        os.set_blocking(its, True)
    return ours, its


def test_a_terminal_that_is_stopped_does_not_stop_the_run(deployment, tmp_path):
    ours, its = stopped_terminal()
    report = tmp_path / "report"
    with open(report, "wb") as out:
        done = subprocess.run(
            [binary(), *arguments(deployment.url, "--json", "--rate", 50, "--duration", "2s")],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=its,
            env=clean_environment(),
            timeout=scaled(60),
            check=False,
        )
    os.close(its)
    os.close(ours)
    assert done.returncode == 0
    run = json.loads(report.read_text())
    assert run["requests"] == run["acknowledged"] > 0


def test_a_reader_of_the_report_who_left_is_a_failure(deployment):
    ours, its = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [binary(), *arguments(deployment.url, "--rate", "max", "--requests", 20)],
        stdout=its,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        timeout=scaled(60),
        check=False,
    )
    os.close(its)
    assert done.returncode == 1
