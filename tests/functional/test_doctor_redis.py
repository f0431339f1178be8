"""parley doctor on a store in Redis: what is wrong with the servers is found."""

import json
import pathlib
import socket
import subprocess

import pytest

from support.command import parley
from support.wait import eventually

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "redis" / "redis.conf"
MODEST = ["--http", "127.0.0.1:0", "--max-connections", "50", "--max-memory", "16MiB"]


@pytest.fixture
def redis(tmp_path):
    """redis(*settings) starts a server with our configuration, a bound and these on top, and returns its address."""
    running = []

    def make(*settings):
        with socket.socket() as probe:  # a Redis server takes no port 0
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [word for setting in ("--maxmemory 256mb", *settings) for word in setting.split()]
        running.append(
            subprocess.Popen(
                ["redis-server", CONFIG, "--port", str(port), "--dir", tmp_path, *words], stdout=subprocess.DEVNULL
            )
        )
        eventually(lambda: _accepts(port), "Redis to listen")
        return f"127.0.0.1:{port}"

    yield make
    for one in running:
        one.kill()
        one.wait()


def _accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def problems(address, *options):
    """What is found of the servers; of the machine's own setting tests cannot say what it is."""
    outcome = parley("doctor", "--json", *MODEST, "--store", f"redis://{address}", *options)
    report = json.loads(outcome.out)
    assert outcome.code == (0 if report["good"] else 1), outcome
    assert any(finding["subject"].startswith("Redis") for finding in report["findings"]), outcome
    return [
        finding["found"]
        for finding in report["findings"]
        if not finding["good"] and finding["subject"].startswith("Redis")
    ]


def test_a_server_with_our_configuration_is_well(redis):
    assert problems(redis()) == []


def test_the_machine_is_looked_at_where_redis_runs_on_it(redis):
    outcome = parley("doctor", "--json", *MODEST, "--store", f"redis://{redis()}")
    (found,) = (f for f in json.loads(outcome.out)["findings"] if "this machine" in f["subject"])
    now = pathlib.Path("/proc/sys/vm/overcommit_memory").read_text().strip()
    assert found["found"].endswith(now) and found["good"] == (now == "1")


def test_settings_that_would_lose_messages(redis):
    address = redis("--appendfsync everysec")
    assert any("appendfsync" in found for found in problems(address))
    assert problems(address, "--durability", "os") == []
    assert any("maxmemory-policy" in found for found in problems(redis("--maxmemory-policy allkeys-lru")))
    assert any("appendonly" in found for found in problems(redis("--appendonly no")))


def test_all_of_them_are_told_at_once(redis):
    found = " ".join(problems(redis("--appendfsync everysec", "--appendonly no", "--maxmemory-policy allkeys-lru")))
    assert all(name in found for name in ("appendfsync", "appendonly", "maxmemory-policy"))


def test_memory_that_nothing_bounds(redis):
    (found,) = problems(redis("--maxmemory 0"))
    assert found.startswith("maxmemory is 0")


def test_what_a_node_remembers_of_redis_counts(redis):
    outcome = parley("doctor", "--json", *MODEST, "--store", f"redis://{redis()}", "--store-memory", "1024GiB")
    (memory,) = (f for f in json.loads(outcome.out)["findings"] if f["subject"] == "memory")
    assert not memory["good"] and "--store-memory" in memory["fix"]


def test_settings_that_waste_memory(redis):
    assert any("stream-node-max-bytes" in found for found in problems(redis("--stream-node-max-bytes 4096")))


def test_replicas_that_are_not_there(redis):
    assert problems(redis(), "--redis-replicas", 1) == ["0 replicas are connected, and --redis-replicas is 1"]


def test_a_full_server(redis):
    assert any(found.startswith("it uses ") for found in problems(redis("--maxmemory 1mb")))


def test_no_server():
    (found,) = problems("127.0.0.1:1")
    assert "127.0.0.1:1" in found


def test_a_wrong_password(redis):
    address = redis("--requirepass secret")
    assert problems(address) != []
    assert problems(f":secret@{address}") == []
    outcome = parley("doctor", *MODEST, "--store", f"redis://{address}")
    assert "fix: " in outcome.out and "--redis-password-file" in outcome.out
