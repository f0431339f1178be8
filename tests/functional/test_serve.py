"""parley serve: the ready line, exit codes, and where options come from."""

import re
import signal
import socket

import pytest

from support.client import Client
from support.command import parley
from support.server import Server

LOCAL = r"127\.0\.0\.1:[1-9]\d*"


@pytest.fixture
def server(tmp_path):
    """A server that is not started yet: server(*options)."""
    made = []

    def make(*options, **settings):
        made.append(Server(tmp_path / f"s{len(made)}", *options, **settings))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def fails_to_start(outcome, code, *words):
    """It ended with `code`, nothing on standard output, and one line that has all the words."""
    assert outcome.code == code, outcome
    assert outcome.out == "", outcome
    lines = [line for line in outcome.err.splitlines() if line.strip()]
    assert lines, outcome
    said = lines[-1]
    for word in words:
        assert word.lower() in said.lower(), outcome
    if code == 1:
        assert len([l for l in lines if re.search(r"error|cannot|fatal", l, re.I)]) <= 1, outcome


def serve(*options, tmp_path, env=None):
    return parley("serve", "--http", "127.0.0.1:0", "--store", "memory:", *options, env=env, cwd=tmp_path)


# The ready line ------------------------------------------------------------------------------------------------------


def test_the_ready_line_names_every_listener(server):
    running = server().start()
    assert re.fullmatch(f"ready http={LOCAL} rpc={LOCAL} admin={LOCAL}", running.ready_line)


def test_the_ready_line_names_only_what_runs(tmp_path, server):
    running = server()
    running._command = lambda: [*Server._command(running)[:2], "--http", "127.0.0.1:0", "--store", "memory:"]
    running.start()
    assert re.fullmatch(f"ready http={LOCAL}", running.ready_line)
    assert running.admin is None


def test_the_ready_line_is_the_whole_of_standard_output(server):
    running = server().start()
    client = Client(running)
    client.send("a:b")
    client.close()
    running.process.send_signal(signal.SIGTERM)
    rest = running.process.stdout.read()
    assert running.wait() == 0
    assert rest == b""


def test_ipv6_in_the_ready_line(server):
    running = server("--http", "[::1]:0").start()
    assert re.match(r"ready http=\[::1\]:[1-9]\d* ", running.ready_line)
    client = Client(running)
    running.http = (f"[{running.http[0]}]", running.http[1])
    assert client.get("/ping").status_code == 200
    client.close()


def test_no_listener_named_starts_all_on_loopback(tmp_path):
    """On the default ports, which somebody may hold: then it says so and exits with 1."""
    running = Server(tmp_path)
    running._command = lambda: [*Server._command(running)[:2], "--store", "memory:"]
    running.spawn()
    try:
        line = running.process.stdout.readline().decode()
        if line:
            assert line == "ready http=127.0.0.1:8080 rpc=127.0.0.1:8888 admin=127.0.0.1:8081\n"
            running.stop()
        else:
            assert running.wait() == 1
            assert re.search(r"808[01]|8888", running.stderr)
    finally:
        running.kill()


# Exit codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exits_with_0_after_a_signal(server, number):
    server().start().stop(number)


@pytest.mark.parametrize(
    "options, word",
    [
        (["--no-such-option"], "no-such-option"),
        (["--max-text", "many"], "max-text"),
        (["--max-text", "-1"], "max-text"),
        (["--max-text", "1XB"], "max-text"),
        (["--request-timeout", "2"], "request-timeout"),
        (["--request-timeout", "soon"], "request-timeout"),
        (["--durability", "maybe"], "durability"),
        (["--http-errors", "loud"], "http-errors"),
        (["--store", "cassandra://x"], "store"),
        (["--store", "rocksdb:"], "store"),
        (["--http", "nonsense"], "http"),
        (["--http", "127.0.0.1:99999"], "65535"),
        (["--store", "redis://127.0.0.1:99999"], "65535"),
        (["--backend", "thrift://127.0.0.1:99999"], "65535"),
        (["--http", "127.0.0.1"], "http"),
        (["--config", "/does/not/exist.toml"], "exist.toml"),
        (["--max-text"], "max-text"),
        (["stray"], "stray"),
    ],
)
def test_exits_with_2_for_a_bad_option_and_names_it(tmp_path, options, word):
    fails_to_start(parley("serve", *options, cwd=tmp_path), 2, word)


def test_exits_with_2_for_an_unknown_command(tmp_path):
    fails_to_start(parley("dance", cwd=tmp_path), 2, "dance")


def test_exits_with_2_without_a_command(tmp_path):
    assert parley(cwd=tmp_path).code == 2


def test_exits_with_1_where_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        outcome = parley("serve", "--http", address, "--store", "memory:", cwd=tmp_path)
        fails_to_start(outcome, 1, address)
        outcome = parley("serve", "--http", "127.0.0.1:0", "--admin", address, "--store", "rocksdb:data", cwd=tmp_path)
    fails_to_start(outcome, 1, address)
    assert not (tmp_path / "data").exists(), "a store was made"
    outcome = parley("serve", "--http", address, "--admin", address, "--store", "rocksdb:data", cwd=tmp_path)
    fails_to_start(outcome, 1, f"--admin: another listener has {address} already")
    assert not (tmp_path / "data").exists(), "a store was made"


def test_exits_with_1_where_the_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for path in ("file", "file/data"):
        outcome = parley("serve", "--http", "127.0.0.1:0", "--store", f"rocksdb:{path}", cwd=tmp_path)
        fails_to_start(outcome, 1, "file")


def test_exits_with_1_where_another_process_has_the_folder(server, tmp_path):
    running = server().start()
    outcome = parley("serve", "--http", "127.0.0.1:0", "--store", running.store, cwd=tmp_path)
    fails_to_start(outcome, 1, str(running.data))
    client = Client(running)
    client.send("a:b", "still here")
    assert client.texts("a:b") == ["still here"]
    client.close()
    running.restart()
    running.stop()


@pytest.mark.parametrize("damage", ["CURRENT", "MANIFEST"])
def test_exits_with_1_where_a_file_is_corrupt_and_leaves_it(server, damage):
    running = server().start()
    client = Client(running)
    client.send("a:b")
    client.close()
    running.stop()
    victim = next(p for p in running.data.rglob("*") if p.name.startswith(damage))
    victim.write_bytes(b"not what was here\n")
    before = victim.read_bytes()
    running.spawn()
    assert running.wait() == 1
    assert str(running.data) in running.stderr
    assert victim.read_bytes() == before


@pytest.mark.parametrize("listener", ["--http", "--admin"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_listener_open_to_the_world_needs_allow_anonymous(tmp_path, listener, address):
    outcome = parley("serve", "--store", "memory:", listener, address, cwd=tmp_path)
    assert outcome.code in (1, 2), outcome
    assert "--allow-anonymous" in outcome.err
    assert outcome.out == ""


def test_allow_anonymous_opens_it(server):
    running = server("--http", "0.0.0.0:0", "--allow-anonymous").start()
    assert re.match(r"ready http=0\.0\.0\.0:[1-9]\d* ", running.ready_line)
    running.stop()


# Where options come from ---------------------------------------------------------------------------------------------


def configured(tmp_path, *options, env=None, file=None):
    """What `parley config` prints under these sources."""
    arguments = list(options)
    if file is not None:
        (tmp_path / "parley.toml").write_text(file)
        arguments += ["--config", "parley.toml"]
    outcome = parley("config", *arguments, env=env, cwd=tmp_path)
    assert outcome.code == 0, outcome
    return outcome.out


def value_of(printed, key):
    found = re.search(rf"^{key}\s*=\s*(.+?)\s*(#.*)?$", printed, re.M)
    assert found, f"no {key} in\n{printed}"
    return found.group(1).strip("'\"")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = 'max-text = "1KiB"\n'
    env = {"PARLEY_MAX_TEXT": "2KiB"}
    by = {
        "nothing": value_of(configured(tmp_path), "max-text"),
        "file": value_of(configured(tmp_path, file=file), "max-text"),
        "env": value_of(configured(tmp_path, env=env, file=file), "max-text"),
        "line": value_of(configured(tmp_path, "--max-text", "3KiB", env=env, file=file), "max-text"),
    }
    assert [re.sub(r"\s|iB|_", "", v) for v in by.values()] in (
        [["64K", "1K", "2K", "3K"], ["65536", "1024", "2048", "3072"]]
    ), by


@pytest.mark.parametrize("source", ["line", "env", "file"])
def test_each_source_reaches_the_server(server, tmp_path, source):
    file = tmp_path / "parley.toml"
    file.write_text('max-text = "5"\n')
    running = {
        "line": lambda: server("--max-text", "5"),
        "env": lambda: server(env={"PARLEY_MAX_TEXT": "5"}),
        "file": lambda: server("--config", file),
    }[source]().start()
    client = Client(running)
    assert client.try_send("a:b", "12345").status_code == 200
    assert client.try_send("a:b", "123456").status_code == 413
    client.close()
    running.stop()


def test_the_config_file_may_be_named_by_the_environment(server, tmp_path):
    file = tmp_path / "parley.toml"
    file.write_text('max-text = "5"\n')
    running = server(env={"PARLEY_CONFIG": str(file)}).start()
    client = Client(running)
    assert client.try_send("a:b", "123456").status_code == 413
    client.close()
    running.stop()


@pytest.mark.parametrize(
    "file, word",
    [
        ("no-such-key = 1\n", "no-such-key"),
        ("max-text = [1]\n", "max-text"),
        ("max-text = \n", "parley.toml"),
        ("[server]\nmax-text = 1\n", "server"),
        ('max-text = "lots"\n', "max-text"),
    ],
)
def test_a_bad_key_or_file_is_named(tmp_path, file, word):
    (tmp_path / "parley.toml").write_text(file)
    outcome = serve("--config", "parley.toml", tmp_path=tmp_path)
    fails_to_start(outcome, 2, word)


def test_a_bad_variable_is_named(tmp_path):
    fails_to_start(serve(tmp_path=tmp_path, env={"PARLEY_MAX_TEXT": "lots"}), 2, "PARLEY_MAX_TEXT")


def test_unknown_variables_are_ignored(server):
    server(env={"PARLEY_NO_SUCH_OPTION": "x", "PARLEY_SERVICE_HOST": "10.0.0.1"}).start().stop()


@pytest.mark.parametrize(
    "option, value",
    [
        ("--request-timeout", "500ms"),
        ("--request-timeout", "2s"),
        ("--drain-timeout", "1m"),
        ("--idempotency-window", "24h"),
    ],
)
def test_durations_have_units(tmp_path, option, value):
    configured(tmp_path, option, value)


@pytest.mark.parametrize("value", ["4096", "64KiB", "1MiB"])
def test_sizes_may_have_units(tmp_path, value):
    configured(tmp_path, "--max-text", value)


def without_comments(printed):
    """The comments say where each value is from, which differs."""
    return [line for line in (re.sub(r"\s*#.*$", "", line) for line in printed.splitlines()) if line]


def test_printed_configuration_read_back_prints_the_same(tmp_path):
    first = configured(
        tmp_path,
        "--max-text",
        "3KiB",
        "--idempotency-window",
        "36h",
        "--allow-origin",
        "https://a.example",
        "--allow-origin",
        "https://b.example",
        "--http-errors",
        "template",
    )
    again = without_comments(configured(tmp_path, file=first))
    assert [l for l in again if not l.startswith("config")] == without_comments(first)


def test_printed_configuration_keeps_secrets(tmp_path):
    for arguments in (["--store", "redis://user:hunter2@localhost:6379"],):
        outcome = parley("config", *arguments, cwd=tmp_path)
        assert "hunter2" not in outcome.out + outcome.err


def test_max_body_follows_max_text_unless_set(server, tmp_path):
    """6 × --max-text + 16 KiB."""
    running = server("--max-text", "1KiB").start()
    client = Client(running)
    limit = 6 * 1024 + 16384
    assert client.post("/api/send", data=b" " * limit).status_code == 400
    assert client.post("/api/send", data=b" " * (limit + 1)).status_code == 413
    client.close()
    running.stop()


# Help ----------------------------------------------------------------------------------------------------------------


def test_version():
    outcome = parley("--version")
    assert outcome.code == 0
    assert re.search(r"\d+\.\d+\.\d+", outcome.out)


@pytest.mark.parametrize("command", [[], ["serve"], ["send"], ["pull"], ["config"]])
def test_help_of_each_command(command):
    outcome = parley(*command, "--help")
    assert outcome.code == 0, outcome
    assert "Usage" in outcome.out or "usage" in outcome.out


def test_help_of_serve_names_each_option_of_the_contract():
    text = parley("serve", "--help").out
    for option in (
        "--http",
        "--rpc",
        "--admin",
        "--store",
        "--config",
        "--durability",
        "--store-memory",
        "--store-queue",
        "--max-text",
        "--max-body",
        "--max-page-bytes",
        "--max-memory",
        "--max-connections",
        "--request-timeout",
        "--header-timeout",
        "--body-timeout",
        "--idle-timeout",
        "--write-timeout",
        "--log-format",
        "--log-level",
        "--idempotency-window",
        "--allow-origin",
        "--allow-host",
        "--allow-anonymous",
        "--http-errors",
        "--drain-delay",
        "--drain-timeout",
    ):
        assert re.search(rf"{option}\b", text), option


# Durability ----------------------------------------------------------------------------------------------------------


def test_durability_os_serves_and_survives_a_kill(server):
    running = server("--durability", "os").start()
    client = Client(running)
    client.send("a:b", "hi")
    running.kill()
    running.start()
    assert client.texts("a:b") == ["hi"]
    client.close()
    running.stop()


def test_the_memory_store_forgets(server):
    running = server(store="memory:").start()
    client = Client(running)
    client.send("a:b", "hi")
    assert client.texts("a:b") == ["hi"]
    running.restart()
    assert client.try_pull("a:b").status_code == 404
    client.close()
    running.stop()
